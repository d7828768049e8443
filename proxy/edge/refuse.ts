/** The two refusals that no byte brings about but the clock (RULES 5, 33). */
import { Refusal } from '../../shared/http1/refusal.ts';

export function headTooSlow(): Refusal {
  return new Refusal('head_timeout', 'request');
}

export function bodyTooSlow(): Refusal {
  return new Refusal('body_timeout', 'request');
}
