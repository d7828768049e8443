/**
 * What each program has in RAM before the trouble begins and when all is over, both times after the same load and some
 * quiet. A program that was started again meanwhile has no value of its own from before: it is held to the mean of those of
 * its kind, which had the same load after their own start.
 */
/* oxlint-disable no-await-in-loop -- one look after the other */
import { type Member, pause } from './member.ts';

export interface MemoryRow {
  readonly name: string;
  /** Before the trouble; of one that was restarted, the mean of its kind. */
  readonly beforeBytes: number;
  readonly afterBytes: number;
  readonly wasRestarted: boolean;
}

/** What may be there in the end (the 20 %). */
export const allowedGrowth = 1.2;
const lookEveryMs = 500;

export class Memory {
  readonly #members: readonly Member[];
  readonly #settleMs: number;
  readonly #before = new Map<Member, { readonly bytes: number; readonly starts: number }>();

  /** @param settleMs how long a program may take to give back what it no longer needs */
  constructor(members: readonly Member[], settleMs: number) {
    this.#members = members;
    this.#settleMs = settleMs;
  }

  async noteBefore(): Promise<void> {
    await pause(this.#settleMs);
    for (const member of this.#members) {
      this.#before.set(member, { bytes: await member.program.rssBytes(), starts: member.starts });
    }
  }

  /** The least that was seen of each while it settled. */
  async compare(): Promise<MemoryRow[]> {
    const untilMs = performance.now() + this.#settleMs;
    let rows = await this.#look();
    while (performance.now() < untilMs) {
      await pause(lookEveryMs);
      const next = await this.#look();
      rows = rows.map((row, index) => {
        const bytes = next[index]?.afterBytes ?? row.afterBytes;
        return { ...row, afterBytes: Math.min(row.afterBytes, bytes) };
      });
    }
    return rows;
  }

  #look(): Promise<MemoryRow[]> {
    return Promise.all(
      this.#members.map(async (member) => {
        const wasRestarted = this.#before.get(member)?.starts !== member.starts;
        return {
          name: member.name,
          beforeBytes: wasRestarted ? this.#meanOf(member.role) : (this.#before.get(member)?.bytes ?? 0),
          afterBytes: await member.program.rssBytes(),
          wasRestarted,
        };
      }),
    );
  }

  #meanOf(role: Member['role']): number {
    const all = [...this.#before].filter(([member]) => member.role === role).map(([, { bytes }]) => bytes);
    return all.reduce((sum, bytes) => sum + bytes, 0) / all.length;
  }
}
