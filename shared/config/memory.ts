/** The setting that both programs have for their memory. It does not know how it is shared out. */
import { size } from './measures.ts';

/** What a few links need to serve anybody at all. */
const leastBytes = 16 * 1024 * 1024;

export function memoryBudget() {
  return {
    memoryBudgetBytes: {
      env: 'MEMORY_BUDGET',
      format: size({ minBytes: leastBytes }),
      default: '256MiB',
      doc: 'What may be held for all requests together, both ways; as it fills, each gets less; beyond, 503. The program takes 100 MiB more.',
    },
  } as const;
}
