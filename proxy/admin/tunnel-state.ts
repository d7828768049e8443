/** In which state a tunnel is, in one word: for labels and for people. */
import type { TunnelReport } from '../routing/tunnel.ts';

/** serving: it takes exchanges · unwell: its agent says that the backend does not answer · leaving: it takes no new ones. */
export type TunnelState = 'serving' | 'unwell' | 'leaving';

export function stateOf({ isAccepting, isHealthy }: TunnelReport): TunnelState {
  if (!isAccepting) return 'leaving';
  return isHealthy ? 'serving' : 'unwell';
}
