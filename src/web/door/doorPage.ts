import { html } from 'hono/html';
import { layPage, type Html } from '../look/layout.js';

/** What the door says: nothing of the wallet, not even whether there is one. */
export interface DoorParts {
  /** Where a way in leads to: a path of our own, or nothing. */
  readonly to: string;
  readonly takesCode: boolean;
  readonly canReopen: boolean;
  /** What the owner runs in a terminal instead. */
  readonly terminal: string;
  /** What became of the last try. */
  readonly problem: 'used' | 'wrong' | 'closed' | 'reopened' | 'not_reopened' | null;
}

const WHY: Readonly<Record<NonNullable<DoorParts['problem']>, string>> = {
  used: 'That address has been used already: it works once, in one browser.',
  wrong: 'That is not the code.',
  closed: 'Too many codes were wrong, so none is taken any more.',
  reopened: 'The page is opening in a new tab of this computer’s browser. You can close this one.',
  not_reopened: 'No browser could be opened on this computer.',
};

/** The page of whoever was not let in. */
export function viewDoor({ to, takesCode, canReopen, terminal, problem }: DoorParts): Html {
  return layPage({
    title: 'Purser: is it you?',
    stranger: to,
    main: html`<section class="sheet">
      <h1>Is it you?</h1>
      ${problem === null ? '' : html`<p class="notice ${problem === 'reopened' ? '' : 'problem'}" role="alert">${WHY[problem]}</p>`}
      <p>This page is for the owner of a wallet on this computer, and opens for them alone.</p>
      ${canReopen && problem !== 'reopened' ? viewReopen(to) : ''}
      ${takesCode ? viewCode(to, problem === 'wrong') : ''}
      <p class="soft">Or run <code>${terminal}</code> in a terminal.</p>
    </section>`,
  });
}

function viewReopen(to: string): Html {
  return html`<form method="post" action="/reopen">
    <input type="hidden" name="to" value="${to}" />
    <div class="buttons"><button class="yes">It is me: open the page here</button></div>
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
