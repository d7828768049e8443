/** Heads of the PROXY protocol version 2 as a balancer writes them, whole or wrong on purpose. */

export const signature = Uint8Array.of(
  0x0d,
  0x0a,
  0x0d,
  0x0a,
  0x00,
  0x0d,
  0x0a,
  0x51,
  0x55,
  0x49,
  0x54,
  0x0a,
);
/** §2.2: two paths of 108 bytes. */
export const unixAddresses: readonly number[] = Array<number>(216).fill(0x2f);

export interface BinaryHead {
  /** Version and command; 0x21 is PROXY. */
  readonly command?: number;
  /** Family and transport; 0x11 is TCP over IPv4. */
  readonly family?: number;
  readonly source?: readonly number[];
  readonly destination?: readonly number[];
  /** Behind the addresses. */
  readonly behind?: readonly number[];
  /** What the length says; without it the truth. */
  readonly claim?: number;
}

export function binaryHead(head: BinaryHead): Uint8Array {
  const { command = 0x21, family = 0x11, source = [], destination = [], behind = [] } = head;
  const ports = source.length === 0 ? [] : [0xdc, 0x04, 0x01, 0xbb];
  const rest = [...source, ...destination, ...ports, ...behind];
  const claim = head.claim ?? rest.length;
  return Uint8Array.of(...signature, command, family, claim >> 8, claim & 0xff, ...rest);
}

export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
