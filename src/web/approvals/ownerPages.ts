import { html } from 'hono/html';
import type { OwnerAct } from '../../approvals/confirmation.js';
import { codeField } from '../door/doorPage.js';
import { layPage, type Html } from '../look/layout.js';
import type { Visit } from '../door/visit.js';

/** What the pages with one passkey form have in common. */
export interface PasskeyFormParts {
  readonly visit: Visit;
  readonly atLocalhost: boolean;
  readonly localhostUrl: string;
  readonly problem?: string | undefined;
}

/** The page on which a new passkey is made: it asks for the code that only the owner's terminal shows. */
export function viewEnrolment(parts: PasskeyFormParts): Html {
  return layPage({
    visit: parts.visit,
    title: 'Purser: add a passkey',
    main: html`<section class="sheet">
      <h1>Add a passkey</h1>
      <p>With it you approve payments, and changes of your limits, in this browser.</p>
      ${viewForm(parts, '/passkey', {
        field: codeField('The code that your terminal shows', true),
        button: 'Make the passkey',
      })}
    </section>`,
  });
}

/** The page on which an owner command, waiting in a terminal, is confirmed. */
export function viewConfirmation(act: OwnerAct, parts: PasskeyFormParts): Html {
  return layPage({
    visit: parts.visit,
    title: 'Purser: confirm a change',
    main: html`<section class="sheet">
      <h1>${act.what}?</h1>
      <p>
        A command in a terminal asks for this. <b>Confirm it only if you typed it yourself</b>: a program may
        have.
      </p>
      ${act.details.map((detail) => html`<p class="detail">${detail}</p>`)}
      ${viewForm(parts, '/confirm', { field: html``, button: 'Confirm with a passkey' })}
      <form method="post" action="${parts.visit.base}/confirm" class="no-form">
        <input type="hidden" name="token" value="${parts.visit.token}" />
        <div class="buttons"><button class="no" name="answer" value="no">Decline</button></div>
      </form>
    </section>`,
  });
}

function viewForm(
  { visit, atLocalhost, localhostUrl, problem }: PasskeyFormParts,
  path: string,
  { field, button }: { readonly field: Html; readonly button: string },
): Html {
  if (!atLocalhost) {
    return html`<p class="notice">
      Passkeys work at localhost only: <a href="${localhostUrl}">open this page there</a>.
    </p>`;
  }
  return html`<form
    method="post"
    action="${visit.base}${path}"
    data-options="${visit.base}${path}/options"
    autocomplete="off"
  >
    <input type="hidden" name="token" value="${visit.token}" />
    <input type="hidden" name="passkey" />
    <input type="hidden" name="challenge_id" />
    ${problem === undefined ? '' : html`<p class="notice problem" role="alert">${problem}</p>`} ${field}
    <noscript><p class="notice">A passkey needs this page’s script.</p></noscript>
    <div class="buttons">
      <button type="button" class="yes" data-passkey hidden>${button}</button>
    </div>
  </form>`;
}
