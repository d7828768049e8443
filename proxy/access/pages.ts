/** The proxy's own pages: which there are, and with which methods they are asked. A page is a function from an exchange to an answer. */
import { giveAnswer } from '../answer.ts';
import type { Answer } from '../answer.ts';
import type { Exchange, Handler } from '../exchange.ts';
import { denial } from './denials.ts';

export interface Page {
  readonly methods: readonly string[];
  answer(exchange: Exchange): Answer | Promise<Answer>;
}

/** @param name ours in Proxy-Status */
export function createPages(pages: ReadonlyMap<string, Page>, name: string): Handler {
  return async (exchange) => {
    const page = pages.get(exchange.meaning.path);
    giveAnswer(exchange, await answerOf(page, exchange), name);
  };
}

function answerOf(page: Page | undefined, exchange: Exchange): Answer | Promise<Answer> {
  if (page === undefined) return denial('no_page');
  const { methods } = page;
  return methods.includes(exchange.request.method)
    ? page.answer(exchange)
    : denial('wrong_method', { allow: methods.join(', ') });
}
