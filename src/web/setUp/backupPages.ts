import { randomInt } from 'node:crypto';
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { WalletError } from '../../errors/walletError.js';
import type { SetUpForm } from '../../owner/setUp/setUpForm.js';
import { text } from '../approvals/answerForm.js';
import type { VisitContext, VisitEnv } from '../door/admission.js';
import { codeField } from '../door/doorPage.js';
import { layMessage, layPage, type Html } from '../look/layout.js';
import type { Visit } from '../door/visit.js';

/** Words asked for: enough to show that there is a copy, few enough that nobody skips it. */
const WORDS_ASKED = 3;
/** Each is a notice on the owner's desktop. */
const SHOWINGS_MAX = 5;
/** Whoever has the copy in hand needs no more; a program that tries words gets nowhere. */
const CHECKS_MAX = 10;

/** What the pages of a backup are made of. */
export interface BackupParts {
  readonly form: Pick<SetUpForm, 'recoveryWords' | 'noteBackup'>;
  /** Whether this visit is the one that made the wallet. */
  readonly isMaker: (visit: Visit) => boolean;
  /** Makes a code that was never typed and shows it on the owner's desktop; false where it cannot be shown. */
  readonly showNewCode: () => Promise<boolean>;
  /** Throws `factor_wrong` for another code than the one that was shown last. */
  readonly takeCode: (given: string) => void;
  /** What to do where the words are not shown here. */
  readonly elsewhere: () => Html;
  /** How a fault is told: status and sentence. */
  readonly tell: (error: unknown) => { readonly status: 403; readonly message: string };
}

/**
 * The pages on which the owner of a new wallet gets its recovery words and gives some of them back.
 *
 * T20, T21: an agent may steer the browser, and has read the code with which the wallet was made. So the words come once
 * for a code of their own, which the desktop alone shows, to the visit that made the wallet, and no more once a copy is
 * proved. An agent that watches the browser at that moment sees them: the page says so before.
 */
export function addBackup(pages: Hono<VisitEnv>, parts: BackupParts): void {
  const { form } = parts;
  let showingsLeft = SHOWINGS_MAX;
  let checksLeft = CHECKS_MAX;
  /** The places that are asked for, once the words were shown. */
  let asked: readonly number[] | null = null;
  const wordsFor = (c: VisitContext): readonly string[] | null =>
    parts.isMaker(c.get('visit')) ? form.recoveryWords() : null;
  const closed = (c: VisitContext): Response | Promise<Response> =>
    c.html(layMessage(c.get('visit'), 'The words are not shown here', parts.elsewhere()), 403);

  pages.post('/words/code', async (c) => {
    showingsLeft -= 1;
    if (wordsFor(c) === null || showingsLeft < 0 || !(await parts.showNewCode())) return closed(c);
    return c.html(viewCode(c.get('visit')));
  });
  pages.post('/words', async (c) => {
    const words = wordsFor(c);
    if (words === null) return closed(c);
    try {
      const fields = await c.req.parseBody({ all: true });
      parts.takeCode(text(fields['code']));
    } catch (error) {
      const { status, message } = parts.tell(error);
      return c.html(viewCode(c.get('visit'), message), status);
    }
    const places = new Set<number>();
    while (places.size < WORDS_ASKED) places.add(randomInt(words.length));
    asked = [...places].sort((a, b) => a - b);
    return c.html(viewWords(c.get('visit'), words));
  });
  pages.post('/words/ask', (c) =>
    wordsFor(c) === null || asked === null ? closed(c) : c.html(viewAsked(c.get('visit'), asked)),
  );
  pages.post('/words/check', async (c) => {
    const words = wordsFor(c);
    checksLeft -= 1;
    if (words === null || asked === null || checksLeft < 0) return closed(c);
    const fields = await c.req.parseBody({ all: true });
    const isRight = asked.every(
      (place) => text(fields[`word${place}`]).trim().toLowerCase() === words[place],
    );
    if (!isRight) {
      const problem = 'These are not the words. Compare your copy, or begin again to see them once more.';
      return c.html(viewAsked(c.get('visit'), asked, problem), 400);
    }
    await form.noteBackup();
    return c.redirect(c.get('visit').base, 303);
  });
}

/** What the page of a ready wallet says of its backup. */
export function viewBackup({ base, token }: Visit): Html {
  return html`<p>
      The recovery phrase, 24 words, is all that brings the wallet back once this computer is lost. Write it
      on paper: no photograph, no file. <b>Whoever sees it can take all the money</b>, so have no agent at
      work in this browser while it is shown.
    </p>
    <form method="post" action="${base}/words/code">
      <input type="hidden" name="token" value="${token}" />
      <div class="buttons"><button class="yes">Write down the words</button></div>
    </form>`;
}

function viewCode({ base, token }: Visit, problem?: string): Html {
  return layPage({
    visit: { base, token },
    title: 'Purser: the recovery phrase',
    main: html`<section class="sheet">
      <h1>Is it you?</h1>
      <p>Your desktop shows another code. It shows the words once.</p>
      ${problem === undefined ? '' : html`<p class="notice problem" role="alert">${problem}</p>`}
      <form method="post" action="${base}/words" autocomplete="off">
        <input type="hidden" name="token" value="${token}" />
        ${codeField('The code on your desktop', true)}
        <div class="buttons"><button class="yes">Show the words</button></div>
      </form>
    </section>`,
  });
}

function viewWords({ base, token }: Visit, words: readonly string[]): Html {
  return layPage({
    visit: { base, token },
    title: 'Purser: the recovery phrase',
    main: html`<section class="sheet">
      <h1>Write these ${words.length} words down, in this order</h1>
      <ol class="words">
        ${words.map((word) => html`<li>${word}</li>`)}
      </ol>
      <form method="post" action="${base}/words/ask">
        <input type="hidden" name="token" value="${token}" />
        <div class="buttons"><button class="yes">I have written them down</button></div>
      </form>
    </section>`,
  });
}

function viewAsked({ base, token }: Visit, asked: readonly number[], problem?: string): Html {
  return layPage({
    visit: { base, token },
    title: 'Purser: the recovery phrase',
    main: html`<section class="sheet">
      <h1>Three of them, from your copy</h1>
      ${problem === undefined ? '' : html`<p class="notice problem" role="alert">${problem}</p>`}
      <form method="post" action="${base}/words/check" autocomplete="off">
        <input type="hidden" name="token" value="${token}" />
        ${asked.map(
          (place) =>
            html`<div class="field">
              <label for="word${place}">Word ${place + 1}</label>
              <input
                type="text"
                name="word${place}"
                id="word${place}"
                required
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
              />
            </div>`,
        )}
        <div class="buttons"><button class="yes">Check</button></div>
      </form>
      <p class="soft"><a href="${base}">Back, to see them once more</a></p>
    </section>`,
  });
}

/** The fault of a code that is not the one that was shown last. */
export function wrongCode(nothing: string): WalletError {
  return new WalletError(
    'factor_wrong',
    `That is not the code that Purser shows on your desktop. ${nothing}`,
  );
}
