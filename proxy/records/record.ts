/**
 * What is on record of a backend: who may serve it, who may use it, and within which limits. The shape only; it knows
 * neither where records are kept nor how they are read and judged.
 */

/** Who may use a backend. */
export type AccessRule =
  | { readonly kind: 'public' }
  | { readonly kind: 'signed-in' }
  /** Whoever is in one of the lists. */
  | {
      readonly kind: 'listed';
      readonly emails: readonly string[];
      /** Of e-mail addresses: `example.com`. */
      readonly domains: readonly string[];
      readonly groups: readonly string[];
      readonly subjects: readonly string[];
    };

/** Undefined: no limit of its own. */
export interface RecordLimits {
  readonly requestsPerSecond?: number;
  readonly concurrentRequests?: number;
  readonly requestsPerSecondPerAddress?: number;
  readonly concurrentRequestsPerAddress?: number;
  readonly requestsPerSecondPerUser?: number;
  readonly concurrentRequestsPerUser?: number;
  readonly maxBodyBytes?: number;
  readonly maxLinks?: number;
}

export interface BackendRecord {
  readonly id: string;
  /** Host patterns that are this backend's; none: those that its agents claim. */
  readonly hosts: readonly string[];
  /** Path prefixes; none: every path. */
  readonly paths: readonly string[];
  /** Subjects of agents' tokens that may serve it; undefined: every token that grants the id. */
  readonly agentSubjects?: readonly string[];
  /** Undefined: the proxy's CLIENT_ACCESS. */
  readonly access?: AccessRule;
  /** Whether the backend is told who the user is. */
  readonly forwardIdentity: boolean;
  /** Whether an Authorization that the proxy has used goes on to the backend. */
  readonly keepAuthorization: boolean;
  /** Networks that may use it (none: all), and those that may not whatever else is said. */
  readonly networks: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  readonly limits: RecordLimits;
}
