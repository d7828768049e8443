/** In which state a tunnel is, in one word: for labels and for people. */
import type { TunnelReport } from '../routing/tunnel.ts';

/** serving: it is there to stay · unwell: its agent says that the backend does not answer · leaving: it will end. */
export type TunnelState = 'serving' | 'unwell' | 'leaving';

export function stateOf({ isAccepting, isGoingAway, isHealthy }: TunnelReport): TunnelState {
  if (!isAccepting || isGoingAway) return 'leaving';
  return isHealthy ? 'serving' : 'unwell';
}
