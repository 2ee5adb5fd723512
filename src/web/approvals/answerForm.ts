import type { OwnerAction } from '../../errors/ownerAction.js';
import { html } from 'hono/html';
import type { Answer, Approval, Choices, FactorLine, FactorProof } from '../../approvals/inbox.js';
import { rpIdOf } from '../../approvals/passkey.js';
import { WalletError } from '../../errors/walletError.js';
import { hostOf } from '../../approvals/question.js';
import { formatUsd, parseUsd } from '../../money/decimal.js';
import type { Html } from '../look/layout.js';
import { passkeyPlaceOf, type PageAddress } from '../door/address.js';
import type { Visit } from '../door/visit.js';
import { usd } from '../look/words.js';

/** What the forms of an answer need to know. */
export interface AnswerFormParts {
  readonly approval: Approval;
  readonly factors: readonly FactorLine[];
  readonly visit: Visit;
  /** Whether the page is where passkeys work. */
  readonly atLocalhost: boolean;
  /** This page at `localhost`, to go to for a passkey. */
  readonly localhostUrl: string;
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
  /** What was wrong with the last try, in one sentence. */
  readonly problem?: string | undefined;
  /** What the last try chose, so that it is not chosen again by hand. */
  readonly chosen?: Answer | undefined;
}

/** The fields of a form as they came. */
export type Fields = Readonly<Record<string, unknown>>;

/** Approve and decline. Approving comes first, so that Enter in the passphrase field never declines. */
export function viewAnswerForms(parts: AnswerFormParts): Html {
  const { approval, factors, command } = parts;
  const { host, usdMicros } = approval.question;
  const path = pathOf(parts);
  return html`${
      factors.length === 0
        ? html`<div class="notice">
            <p><b>You can only decline here yet.</b></p>
            <p>
              Approving needs something that only you have, a passphrase or a passkey, so that no program can
              approve in your name. Add one in a terminal:
            </p>
            <p><code>${command({ kind: 'addFactor', factor: 'passphrase' })}</code></p>
          </div>`
        : html`<form method="post" action="${path}" data-options="${path}/challenge" autocomplete="off">
            ${viewHidden(parts)} ${viewChoices(parts)} ${viewProof(parts, `Approve ${usd(usdMicros)}`)}
          </form>`
    }
    <form method="post" action="${path}" class="no-form">
      ${viewHidden(parts)}
      <div class="buttons">
        <button class="no" name="answer" value="no">Decline</button>
        <button class="no" name="answer" value="block_host">Decline and block ${host}</button>
      </div>
    </form>`;
}

/** The way back from an answer that blocked a host: it loosens, so it takes the factor. */
export function viewUnblockForm(parts: AnswerFormParts): Html {
  const { approval, factors, command } = parts;
  const { host } = approval.question;
  const path = `${pathOf(parts)}/unblock`;
  return html`<h2>${host} is blocked</h2>
    <p>No agent can call it. You can take that back; your limits still hold.</p>
    ${
      factors.length === 0
        ? html`<p>
            In a terminal:
            <code>${command({ kind: 'removeFromSetting', key: 'hosts.deny', entry: host })}</code>
          </p>`
        : html`<form method="post" action="${path}" data-options="${path}/challenge" autocomplete="off">
            ${viewHidden(parts)} ${viewProof(parts, `Unblock ${host}`)}
          </form>`
    }`;
}

function pathOf({ visit, approval }: AnswerFormParts): string {
  return `${visit.base}/approvals/${approval.question.approvalId}`;
}

function viewHidden({ visit, approval }: AnswerFormParts): Html {
  return html`<input type="hidden" name="token" value="${visit.token}" />
    <input type="hidden" name="digest" value="${approval.digest}" />`;
}

function viewChoices({ approval, chosen }: AnswerFormParts): Html {
  const { choices, question } = approval;
  const kind = chosen?.kind ?? 'once';
  const checked = (mine: Answer['kind']): Html => (kind === mine ? html` checked` : html``);
  if (choices.session === null && !choices.payee)
    return html`<input type="hidden" name="answer" value="once" />`;
  return html`<fieldset>
    <legend>What you approve</legend>
    <div class="choice">
      <input type="radio" name="answer" id="once" value="once" ${checked('once')} />
      <label for="once">This payment of ${usd(question.usdMicros)}, once</label>
    </div>
    ${choices.session === null ? '' : viewRaise(choices.session, chosen, checked('session'))}
    ${
      choices.payee
        ? html`<div class="choice">
            <input type="radio" name="answer" id="payee" value="payee" ${checked('payee')} />
            <label for="payee">
              This payment, and this payee at ${hostOf(question)} from now on; your limits still hold
            </label>
          </div>`
        : ''
    }
  </fieldset>`;
}

function viewRaise(
  session: NonNullable<Choices['session']>,
  chosen: Answer | undefined,
  checked: Html,
): Html {
  const amount = chosen?.kind === 'session' ? chosen.usdMicros : session.suggestedUsdMicros;
  return html`<div class="choice">
    <input type="radio" name="answer" id="session" value="session" ${checked} />
    <span>
      <label for="session">This payment, and let this session spend up to</label>
      <label>
        $<input
          type="text"
          name="session_usd"
          class="amount"
          inputmode="decimal"
          value="${formatUsd(amount)}"
          aria-label="New limit of this session in dollars"
        />
      </label>
      in all (at most ${usd(session.maxUsdMicros)})
    </span>
  </div>`;
}

/** What proves the owner, with the button that it stands beside. */
export function viewProof(
  {
    factors,
    atLocalhost,
    localhostUrl,
    problem,
  }: Pick<AnswerFormParts, 'factors' | 'atLocalhost' | 'localhostUrl' | 'problem'>,
  button: string,
): Html {
  const hasPassphrase = factors.some(({ kind }) => kind === 'passphrase');
  const hasPasskey = factors.some(({ kind }) => kind === 'passkey');
  const wrong =
    problem === undefined ? '' : html`<p class="notice problem" id="problem" role="alert">${problem}</p>`;
  const elsewhere = html`<p class="soft">
    For your passkey, <a href="${localhostUrl}">open this page at localhost</a>.
  </p>`;
  return html`${wrong}
    <div class="proof">
      ${hasPassphrase ? viewPassphrase(problem !== undefined) : ''}
      <div class="buttons">
        ${hasPassphrase ? html`<button class="yes">${button}</button>` : ''}
        ${
          hasPasskey && atLocalhost
            ? html`<button type="button" class="yes" data-passkey hidden>${button} with a passkey</button>`
            : ''
        }
      </div>
    </div>
    ${hasPasskey ? (atLocalhost ? PASSKEY_FIELDS : elsewhere) : ''}`;
}

/** Filled by the page's script. */
const PASSKEY_FIELDS = html`<input type="hidden" name="passkey" /><input type="hidden" name="challenge_id" />
  <noscript><p class="notice">A passkey needs this page’s script.</p></noscript>`;

function viewPassphrase(wasWrong: boolean): Html {
  return html`<div class="field">
    <label for="passphrase">Your owner passphrase</label>
    <input
      type="password"
      name="passphrase"
      id="passphrase"
      required
      autocomplete="off"
      autocapitalize="none"
      spellcheck="false"
      ${wasWrong ? html`autofocus aria-invalid="true" aria-describedby="problem"` : ''}
    />
  </div>`;
}

/**
 * Reads which answer a form gives. Throws `bad_input` where it gives none, or an amount that is none.
 */
export function readAnswer(fields: Fields): Answer {
  const kind = fields['answer'];
  switch (kind) {
    case 'once':
    case 'payee':
    case 'no':
    case 'block_host':
      return { kind };
    case 'session': {
      const typed = text(fields['session_usd'])
        .trim()
        .replace(/^\$\s*/, '');
      return { kind, usdMicros: parseUsd(typed, "The session's new limit") };
    }
    default:
      throw new WalletError('bad_input', 'Choose an answer.');
  }
}

/**
 * Reads what proves the owner; null where nothing was given. Throws `factor_wrong` where a passkey's answer is no JSON, and
 * `factor_needed` for a passphrase that comes from elsewhere: none is asked for there, and none is tried.
 */
export function readProof({ outside }: Pick<PageAddress, 'outside'>, fields: Fields): FactorProof | null {
  const passkey = text(fields['passkey']);
  if (passkey !== '') {
    return { kind: 'passkey', response: parse(passkey), challengeId: text(fields['challenge_id']) };
  }
  const passphrase = text(fields['passphrase']);
  if (passphrase === '') return null;
  if (outside !== null) throw new WalletError('factor_needed', 'Only a passkey is taken from elsewhere.');
  return { kind: 'passphrase', passphrase };
}

/** A field as text; what is missing, or came twice, is empty. */
export function text(field: unknown): string {
  return typeof field === 'string' ? field : '';
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    throw new WalletError('factor_wrong', "The passkey's answer cannot be read.");
  }
}

/**
 * The factors that can be given on a page: passkeys that are bound to its name, and a passphrase on this machine alone, for a
 * page from elsewhere is the easiest one to imitate.
 */
export function usableAt(page: PageAddress, factors: readonly FactorLine[]): readonly FactorLine[] {
  const rpId = rpIdOf(passkeyPlaceOf(page));
  return factors.filter((factor) =>
    factor.kind === 'passkey' ? factor.rpId === rpId : page.outside === null,
  );
}
