/** The words of memory that the two threads of a hunt share: cases begun; the length of the one under way; whether to stop. */
export const WORDS = { cases: 0, length: 1, stop: 2 } as const;
