import { html } from 'hono/html';
import { layPage, type Html } from '../look/layout.js';

/** Why somebody was not let in. */
export type DoorProblem = 'used' | 'wrong' | 'closed' | 'reopened' | 'not_reopened' | 'not_signed';

/** What the door says: nothing of the wallet, not even whether there is one. */
export interface DoorParts {
  /** Where a way in leads to: a path of our own, or nothing. */
  readonly to: string;
  readonly takesCode: boolean;
  readonly canReopen: boolean;
  /** What the owner runs in a terminal instead. */
  readonly terminal: string;
  /** What became of the last try. */
  readonly problem: DoorProblem | null;
  /** Whether a passkey lets in. */
  readonly takesPasskey: boolean;
}

const WHY: Readonly<Record<DoorProblem, string>> = {
  used: 'That address has been used already: it works once, in one browser.',
  wrong: 'That is not the code.',
  closed: 'Too many codes were wrong, so none is taken any more.',
  reopened: 'The page is opening in a new tab of this computer’s browser. You can close this one.',
  not_signed: 'That passkey was not accepted.',
  not_reopened: 'No browser could be opened on this computer.',
};

/** The page of whoever was not let in. */
export function viewDoor({ to, takesCode, takesPasskey, canReopen, terminal, problem }: DoorParts): Html {
  return layPage({
    title: 'Purser: is it you?',
    stranger: to,
    main: html`<section class="sheet">
      <h1>Is it you?</h1>
      ${problem === null ? '' : html`<p class="notice ${problem === 'reopened' ? '' : 'problem'}" role="alert">${WHY[problem]}</p>`}
      <p>This page is for the owner of a wallet, and opens for them alone.</p>
      ${canReopen && problem !== 'reopened' ? viewReopen(to) : ''} ${takesPasskey ? viewEntry(to) : ''}
      ${takesCode ? viewCode(to, problem === 'wrong') : ''}
      <p class="soft">Or run <code>${terminal}</code> in a terminal of the wallet’s computer.</p>
    </section>`,
  });
}

function viewReopen(to: string): Html {
  return html`<form method="post" action="/reopen">
    <input type="hidden" name="to" value="${to}" />
    <div class="buttons"><button class="yes">It is me: open the page here</button></div>
  </form>`;
}

function viewEntry(to: string): Html {
  return html`<form method="post" action="/enter" data-options="/enter/options" autocomplete="off">
    <input type="hidden" name="to" value="${to}" />
    <input type="hidden" name="passkey" />
    <input type="hidden" name="challenge_id" />
    <noscript><p class="notice">A passkey needs this page’s script.</p></noscript>
    <div class="buttons">
      <button type="button" class="yes" data-passkey hidden>Come in with a passkey</button>
    </div>
    <div id="live-box" class="notice" hidden>
      <p id="live" role="status" aria-live="polite"></p>
      <p class="soft" id="live-since" hidden><time data-since></time></p>
    </div>
  </form>`;
}

function viewCode(to: string, wasWrong: boolean): Html {
  return html`<form method="post" action="/code" autocomplete="off">
    <input type="hidden" name="to" value="${to}" />
    ${codeField('The code that Purser showed you, in your terminal or on your desktop', wasWrong)}
    <div class="buttons"><button>Go on</button></div>
  </form>`;
}

/** A field for a code that the owner's own screen shows. */
export function codeField(label: string, focus: boolean): Html {
  return html`<div class="field">
    <label for="code">${label}</label>
    <input
      type="text"
      name="code"
      id="code"
      class="code"
      required
      ${focus ? html`autofocus` : ''}
      autocomplete="off"
      autocapitalize="characters"
      spellcheck="false"
      maxlength="16"
    />
  </div>`;
}
