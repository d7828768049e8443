/** Where the proxy's own pages are. What begins like them is never a backend's, whoever asks for it and with which method. */

export const reservedPrefix = '/.well-known/inverting-proxy/';

export const pagePath = {
  signIn: `${reservedPrefix}sign-in`,
  callback: `${reservedPrefix}callback`,
  signOut: `${reservedPrefix}sign-out`,
} as const;

export function isReserved(path: string): boolean {
  return path.startsWith(reservedPrefix) || `${path}/` === reservedPrefix;
}
