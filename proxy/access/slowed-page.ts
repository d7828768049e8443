/**
 * A page at which people prove who they are, whose failures are counted by address: beyond so many it says when the next one
 * may be. Who succeeds waits for nothing: what is proven here cannot be guessed.
 */
import type { Attempts } from './attempts.ts';
import type { Page } from './pages.ts';
import { tooMany } from './rates.ts';

export function slowedPage(page: Page, attempts: Pick<Attempts, 'failed'>): Page {
  return {
    ...page,
    answer: async (exchange) => {
      const answer = await page.answer(exchange);
      if (answer.code !== 'sign_in_failed') return answer;
      const seconds = await attempts.failed(exchange.record.clientAddress);
      return seconds === 0 ? answer : tooMany(seconds);
    },
  };
}
