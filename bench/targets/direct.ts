/** Nothing between client and backend: what the load, the backend and the line cost themselves. */
import type { BackendKind, Ground, Place, Target, TargetKind } from './target.ts';

export const direct: TargetKind = {
  name: 'direct',
  async start(ground: Ground, backend: BackendKind, place: Place): Promise<Target> {
    const isTls = place === 'tls';
    const behind = ground.ports[isTls ? 'nginxTls' : backend];
    const port = place === 'far' ? await ground.startLine(behind) : behind;
    const url = new URL(`${isTls ? 'https' : 'http'}://127.0.0.1:${port}/`);
    return { url, pids: [], [Symbol.asyncDispose]: () => Promise.resolve() };
  },
};
