/**
 * Client connections that can be told apart: each comes from an address of its own in 127.0.0.0/8, which the whole of
 * Linux's loopback is, so that X-Forwarded-For says at the backend whose request it is and no byte of it is changed.
 */
import { connect } from 'node:net';
import { patienceMs, within } from '../e2e/support/deadline.ts';
import { Wire, type Target } from '../e2e/support/wire.ts';

export interface Client {
  readonly address: string;
  readonly wire: Wire;
}

/** Hands out addresses, each once. */
export class Addresses {
  #count = 0;

  next(): string {
    this.#count += 1;
    const number = this.#count;
    return `127.${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  }
}

export async function connectFrom(address: string, target: Target): Promise<Client> {
  const { host, port } = target;
  const socket = connect({ host, port, localAddress: address, allowHalfOpen: true });
  const wire = new Wire(socket);
  const up = Promise.withResolvers<void>();
  socket.once('connect', () => up.resolve());
  socket.once('error', (error) => up.reject(error));
  await within(patienceMs, () => `a connection from ${address}`, up.promise);
  return { address, wire };
}
