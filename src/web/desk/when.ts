import { html } from 'hono/html';
import { localMinute } from '../../text/localTime.js';
import type { Html } from '../look/layout.js';

/** A time of the machine's own zone, to the minute or to the second; every page of the desk says which zone that is. */
export function viewTime(ms: number, { seconds = false } = {}): Html {
  const iso = new Date(ms).toISOString();
  const words = `${localMinute(iso)}${seconds ? iso.slice(16, 19) : ''}`;
  return html`<time datetime="${iso}">${words}</time>`;
}
