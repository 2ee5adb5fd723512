import { cleanLine } from '../text/untrusted.js';

/** Tags of a payment, for reports: a name and a text each, in the order of their names. No limit ever looks at them. */
export type Labels = Readonly<Record<string, string>>;

/** What a payment has that nobody tagged. */
export const NO_LABELS: Labels = {};

/** The label that says which model was asked, unless the caller has one of that name. */
export const MODEL_LABEL = 'model';

/** Enough for a team, a project, a ticket and what else books go by; each row of the ledger carries them. */
export const LABELS_MAX = 8;
/** As long as a label of other systems is: Kubernetes takes 63, cloud bills fewer. */
const VALUE_LENGTH_MAX = 63;
const NAME = /^[a-z][a-z0-9_.-]{0,31}$/;

/** What labels must be like, for whoever gave others. */
export const LABELS_RULE = `labels are at most ${LABELS_MAX} pairs; a name is of a-z, 0-9, ".", "-" and "_" and begins with a letter, 32 characters at most; a value is a text of 1 to ${VALUE_LENGTH_MAX} characters`;

/** Whether a label can have this name. */
export function isLabelName(name: string): boolean {
  return NAME.test(name);
}

/** Labels cleaned and in order; null where {@link LABELS_RULE} is not kept. */
export function readLabels(given: unknown): Labels | null {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return null;
  const pairs: (readonly [string, string])[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (!NAME.test(name) || typeof value !== 'string') return null;
    // T27: they are shown in terminals and pages. Cut by no one: what is too long is refused.
    const clean = cleanLine(value, value.length + 1);
    if (clean === '' || clean.length > VALUE_LENGTH_MAX) return null;
    pairs.push([name, clean]);
  }
  return pairs.length > LABELS_MAX ? null : inOrder(pairs);
}

/** Labels of a list such as `team=search,ticket=AB-12`, values percent-encoded as in W3C Baggage; null as for {@link readLabels}. */
export function parseLabelList(text: string): Labels | null {
  const pairs: [string, string][] = [];
  for (const part of text.split(',')) {
    const [, name, encoded] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/s.exec(part) ?? [];
    const value = encoded === undefined ? null : decoded(encoded);
    if (name === undefined || value === null || pairs.some(([other]) => other === name)) return null;
    pairs.push([name, value]);
  }
  return readLabels(Object.fromEntries(pairs));
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The labels with one more, where none has its name and there is room; its value is cleaned and cut. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  const clean = cleanLine(value, VALUE_LENGTH_MAX);
  if (Object.hasOwn(labels, name) || clean === '' || Object.keys(labels).length >= LABELS_MAX) return labels;
  return readLabels({ ...labels, [name]: clean }) ?? labels;
}

/** Labels as one line, such as `team=search ticket=AB-12`; empty for none. */
export function labelLine(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${/[\s=]/.test(value) ? JSON.stringify(value) : value}`)
    .join(' ');
}

/** One order, so that the same labels are the same text. */
function inOrder(pairs: readonly (readonly [string, string])[]): Labels {
  return Object.fromEntries([...pairs].sort(([one], [other]) => (one < other ? -1 : 1)));
}
