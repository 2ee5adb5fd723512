import type { OwnerAction } from '../../errors/ownerAction.js';
import { html } from 'hono/html';
import { PASSPHRASE_CHARS_MIN } from '../../approvals/factor.js';
import { initialSettings } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import type { KeystoreKind } from '../../keys/keystore.js';
import { formatUsd, parseUsd } from '../../money/decimal.js';
import { sayPlaces } from '../../wallet/agentAddress.js';
import type { FirstLimits, SetUpChoices, SetUpStanding } from '../../owner/setUp/setUpForm.js';
import { codeField } from '../door/doorPage.js';
import { layPage, type Html } from '../look/layout.js';
import { viewQrCode } from '../look/qrCode.js';
import type { Visit } from '../door/visit.js';
import { viewBackup } from './backupPages.js';

/** What was typed, but for passphrases: those are never sent back. */
export type SetUpFields = Readonly<Record<string, string>>;

const { limits } = initialSettings(false);
const AMOUNTS = [
  ['per_call', 'One call', limits.perCallUsdMicros, 'perCallUsdMicros'],
  ['per_session', 'One session', limits.perSessionUsdMicros, 'perSessionUsdMicros'],
  ['per_day', '24 hours', limits.perDayUsdMicros, 'perDayUsdMicros'],
  ['per_month', '30 days', limits.perMonthUsdMicros, 'perMonthUsdMicros'],
] as const;

/** The form as it is shown first. */
export const FIRST_FIELDS: SetUpFields = {
  money: 'real',
  keystore: '',
  ...Object.fromEntries(AMOUNTS.map(([name, , usdMicros]) => [name, formatUsd(usdMicros)])),
};

/** What the form is made of. */
export interface SetUpViewParts {
  readonly visit: Visit;
  /** The first is chosen unless another was. */
  readonly keystores: readonly KeystoreKind[];
  /** Whether what unlocks a file would be made and kept beside it. */
  readonly keepsPassphrase: boolean;
  /** Whether the page is where passkeys work. */
  readonly passkeys: boolean;
  readonly command: (action: OwnerAction) => string;
  readonly fields: SetUpFields;
  readonly problem?: string | undefined;
}

/** Where Circle gives test USDC away; the page only links to it. */
const FAUCET = 'https://faucet.circle.com';
const KEYCHAIN = 'the keychain of this computer';

function placeWords(kind: KeystoreKind, keepsPassphrase: boolean): string {
  if (kind === 'keychain') return KEYCHAIN;
  return keepsPassphrase
    ? 'a file in the wallet’s folder; what unlocks it is kept beside it, for you alone'
    : 'a file, encrypted with the passphrase that PURSER_PASSPHRASE_FILE names';
}

/** The form on which a wallet is made. */
export function viewSetUp(parts: SetUpViewParts): Html {
  const { visit, fields, problem } = parts;
  return layPage({
    visit,
    title: 'Purser: set up your wallet',
    main: html`<section class="sheet">
      <h1>Set up the wallet of your agents</h1>
      <p>They buy API calls with it, and never spend more than you say here.</p>
      ${problem === undefined ? '' : html`<p class="notice problem" role="alert">${problem}</p>`}
      <form method="post" action="${visit.base}" data-options="${visit.base}/passkey" autocomplete="off">
        <input type="hidden" name="token" value="${visit.token}" />
        <input type="hidden" name="passkey" />
        <input type="hidden" name="challenge_id" />
        ${viewChoice('Money', 'money', fields['money'], [
          ['real', 'Real money: USDC on Base, Solana and Tempo'],
          ['test', 'Test money: Base Sepolia, Solana devnet and the Tempo testnet'],
        ])}
        ${viewKeystores(parts)}
        <h2>What agents may spend without asking you, in dollars</h2>
        <div class="amounts">
          ${AMOUNTS.map(
            ([name, words]) =>
              html`<div class="field">
                <label for="${name}">${words}</label>
                <input
                  type="text"
                  class="amount"
                  inputmode="decimal"
                  name="${name}"
                  id="${name}"
                  required
                  value="${fields[name] ?? ''}"
                />
              </div>`,
          )}
        </div>
        <p class="soft">Above ten times these amounts the answer is no, whoever agrees.</p>
        ${viewFactor(parts)}
        <h2>Is it you?</h2>
        <p>Your desktop shows a code, so that no agent makes the wallet in your stead.</p>
        ${codeField('The code on your desktop', false)}
        <div class="buttons">
          <button class="yes">Make the wallet</button>
          ${parts.passkeys ? html`<button type="button" data-passkey hidden>Make it with a passkey</button>` : ''}
          <button formaction="${visit.base}/code" formnovalidate formtarget="_blank">
            Show the code again
          </button>
        </div>
      </form>
    </section>`,
  });
}

function viewKeystores({ keystores, keepsPassphrase, fields, command }: SetUpViewParts): Html {
  const chosen = keystores.find((kind) => kind === fields['keystore']) ?? keystores[0] ?? 'keychain';
  return html`${viewChoice(
    'Where the keys are kept',
    'keystore',
    chosen,
    keystores.map((kind) => [kind, placeWords(kind, keepsPassphrase)]),
  )}
  ${
    keystores.includes('file')
      ? ''
      : html`<p class="soft">
          On a computer without a keychain, in a terminal:
          <code>${command({ kind: 'installClient', keystore: 'file' })}</code>
        </p>`
  }
  ${
    keystores.includes('file') && keepsPassphrase
      ? html`<p class="soft">
          A program that reads your files could read that file’s
          keys.${keystores.includes('keychain') ? ' A keychain is safer.' : ''}
        </p>`
      : ''
  }`;
}

function viewChoice(
  legend: string,
  name: string,
  chosen: string | undefined,
  choices: readonly (readonly [value: string, words: string])[],
): Html {
  return html`<fieldset>
    <legend>${legend}</legend>
    ${choices.map(
      ([value, words]) =>
        html`<div class="choice">
          <input
            type="radio"
            name="${name}"
            id="${name}-${value}"
            value="${value}"
            ${value === chosen ? html` checked` : ''}
          />
          <label for="${name}-${value}">${words}</label>
        </div>`,
    )}
  </fieldset>`;
}

function viewFactor({ command, passkeys }: SetUpViewParts): Html {
  const field = (name: string, label: string): Html =>
    html`<div class="field">
      <label for="${name}">${label}</label>
      <input
        type="password"
        name="${name}"
        id="${name}"
        autocomplete="new-password"
        autocapitalize="none"
        spellcheck="false"
      />
    </div>`;
  return html`<h2>Your own passphrase, or a passkey</h2>
    <p>
      With it you approve what passes a limit. Keep a passphrase in your head or on paper: no agent may have
      it. At least ${PASSPHRASE_CHARS_MIN} characters.
      ${
        passkeys
          ? html`For a passkey of this computer or your phone instead, leave it empty and use the second
            button below.`
          : ''
      }
      Without either nobody can approve a payment above a limit; to add one later:
      <code>${command({ kind: 'addFactor', factor: 'passkey' })}</code>
    </p>
    ${field('passphrase', 'Owner passphrase')} ${field('again', 'The same again')}`;
}

/** What the page of a ready wallet is shown with. */
export interface MadeParts {
  readonly visit: Visit;
  /** Whether this very browser made it on this page. */
  readonly isHere: boolean;
  /** Whether its owner, here, has no proved copy of its words yet. */
  readonly needsBackup: boolean;
  readonly command: (action: OwnerAction) => string;
}

/** The last page: what now holds, whoever made it (T33). */
export function viewMade(standing: SetUpStanding, parts: MadeParts): Html {
  const { visit, isHere, command } = parts;
  const { problem, testnet, keystore, places, factors } = standing;
  return layPage({
    visit,
    title: isHere ? 'Purser: the wallet is ready' : 'Purser: made in another window',
    main: html`<section class="sheet">
      <h1>${isHere ? 'The wallet is ready' : 'The wallet was made in another window'}</h1>
      ${
        isHere
          ? ''
          : html`<p class="notice problem">
              <b>If you did not make it, send it no money</b>: whoever did chose the limits and the factor
              below. Move the folder <code>${standing.home}</code> away, and set up a wallet of your own with
              <code>${command({ kind: 'setUp' })}</code>
            </p>`
      }
      ${problem === null ? '' : html`<p class="notice problem" role="alert">${problem}</p>`}
      <dl class="facts">
        <dt>Address</dt>
        ${places.length === 0 ? html`<dd>not known</dd>` : sayPlaces(places).map((place) => html`<dd><code>${place}</code></dd>`)}
        <dt>Money</dt>
        <dd>${testnet ? 'test money' : 'real money'}</dd>
        <dt>Keys</dt>
        <dd>${keystore === 'file' ? 'in an encrypted file' : `in ${KEYCHAIN}`}</dd>
        <dt>Factor</dt>
        ${viewFactors(factors)}
      </dl>
      <h2>What agents may spend, in dollars</h2>
      ${viewLimits(standing)} ${viewNext(standing, parts)}
    </section>`,
  });
}

function viewFactors(factors: SetUpStanding['factors']): Html {
  if (factors === null) return html`<dd>not known</dd>`;
  if (factors.length === 0) return html`<dd>none yet: nobody can approve a payment above a limit</dd>`;
  return html`${factors.map(
    ({ kind, label, createdMs }) =>
      html`<dd>
        ${kind === 'passphrase' ? 'an owner passphrase' : 'a passkey'}, “${label}”, added
        <time datetime="${new Date(createdMs).toISOString()}">${minuteOf(createdMs)}</time>
      </dd>`,
  )}`;
}

function viewLimits({ limits, ceilings }: SetUpStanding): Html {
  const amount = (name: (typeof AMOUNTS)[number][3], all: FirstLimits): string => formatUsd(all[name]);
  return html`<table class="limits">
    <thead>
      <tr>
        <td></td>
        <th scope="col">without asking</th>
        <th scope="col">at most</th>
      </tr>
    </thead>
    <tbody>
      ${AMOUNTS.map(
        ([, words, , field]) =>
          html`<tr>
            <th scope="row">${words}</th>
            <td>$${amount(field, limits)}</td>
            <td>$${amount(field, ceilings)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function viewNext(
  { testnet, places, factors }: SetUpStanding,
  { visit, isHere, needsBackup, command }: MadeParts,
): Html {
  const addresses = [...new Set(places.map(({ address }) => address))];
  const usdc = testnet ? 'test USDC' : 'USDC';
  return html`${
      needsBackup
        ? html`<h2>1. Write down the words</h2>
            ${viewBackup(visit)}`
        : ''
    }
    <h2>${needsBackup ? '2. ' : ''}Put a little money in</h2>
    <p>
      Send ${usdc}, a digital dollar, to
      ${places.length > 1 ? 'one of its addresses' : 'its address'}${
        testnet
          ? html`: <a href="${FAUCET}" rel="noreferrer">Circle’s faucet</a> gives it.`
          : '. At an exchange: buy $5 of USDC, withdraw it, choose the network Base, and give the address that starts with 0x. It arrives in minutes.'
      }
      No other coin is needed. Send what you can lose.
    </p>
    ${
      // Whoever did not make the wallet here is not to fund it by a glance of the camera.
      isHere
        ? addresses.map(
            (address) =>
              html`<figure>
                ${viewQrCode(address)}
                <figcaption>${sayPlaces(places.filter((place) => place.address === address))}</figcaption>
              </figure>`,
          )
        : ''
    }
    ${
      isHere
        ? needsBackup
          ? ''
          : html`<p class="soft">You have proved a copy of the recovery phrase.</p>`
        : html`<p>
            Write down the recovery phrase; here it is shown in a terminal only:
            <code>${command({ kind: 'showRecoveryPhrase' })}</code>
          </p>`
    }
    ${
      factors?.length === 0
        ? html`<p>
            Add what proves that you are the owner:
            <code>${command({ kind: 'addFactor', factor: 'passphrase' })}</code>
          </p>`
        : ''
    }
    <p>
      Then tell your agent to go on. You can close this page; it changes nothing of the wallet any more.
    </p>`;
}

/** An instant in UTC, to the minute. */
function minuteOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Reads the choices of a form. Throws `bad_input`. */
export function readChoices(fields: SetUpFields, passphrase: string, again: string): SetUpChoices {
  const { money, keystore } = fields;
  if (money !== 'real' && money !== 'test') throw new WalletError('bad_input', 'Choose real or test money.');
  if (keystore !== 'keychain' && keystore !== 'file')
    throw new WalletError('bad_input', 'Choose where the keys are kept.');
  if (passphrase !== again)
    throw new WalletError('bad_input', 'The two passphrases differ; nothing was made.');
  const amount = (name: string, words: string): bigint =>
    parseUsd((fields[name] ?? '').trim().replace(/^\$\s*/, ''), `The limit for ${words}`);
  return {
    keystore,
    testnet: money === 'test',
    limits: {
      perCallUsdMicros: amount('per_call', 'one call'),
      perSessionUsdMicros: amount('per_session', 'one session'),
      perDayUsdMicros: amount('per_day', '24 hours'),
      perMonthUsdMicros: amount('per_month', '30 days'),
    },
    factor: passphrase === '' ? null : { kind: 'passphrase', passphrase },
  };
}
