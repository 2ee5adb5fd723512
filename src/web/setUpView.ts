import { html } from 'hono/html';
import { PASSPHRASE_CHARS_MIN } from '../approvals/factor.js';
import { initialSettings } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import type { KeystoreKind } from '../keys/keystore.js';
import { formatUsd, parseUsd } from '../money/decimal.js';
import { sayPlaces } from '../wallet/agentAddress.js';
import type { MadeWallet, SetUpChoices } from '../owner/setUpDesk.js';
import { layMessage, layPage, type Html } from './layout.js';

/** What was typed, but for passphrases: those are never sent back. */
export type SetUpFields = Readonly<Record<string, string>>;

const { limits } = initialSettings(false);
const AMOUNTS = [
  ['per_call', 'One call', limits.perCallUsdMicros],
  ['per_session', 'One session', limits.perSessionUsdMicros],
  ['per_day', '24 hours', limits.perDayUsdMicros],
  ['per_month', '30 days', limits.perMonthUsdMicros],
] as const;

/** The form as it is shown first. */
export const FIRST_FIELDS: SetUpFields = {
  money: 'real',
  keystore: '',
  ...Object.fromEntries(AMOUNTS.map(([name, , usdMicros]) => [name, formatUsd(usdMicros)])),
};

/** What the form is made of. */
export interface SetUpViewParts {
  readonly token: string;
  /** The first is chosen unless another was. */
  readonly keystores: readonly KeystoreKind[];
  readonly command: (args: string) => string;
  readonly fields: SetUpFields;
  readonly problem?: string | undefined;
}

const PLACES: Readonly<Record<KeystoreKind, string>> = {
  keychain: 'the keychain of this computer',
  file: 'a file, encrypted with the passphrase that PURSER_PASSPHRASE_FILE names',
};

/** The page that asks for the code on the owner's screen. */
export function viewCode(command: (args: string) => string, triesLeft: number, wasWrong: boolean): Html {
  if (triesLeft === 0)
    return layMessage(
      'This page is closed',
      html`Too many codes were wrong. Set the wallet up in a terminal: <code>${command('init')}</code>`,
    );
  return layPage({
    title: 'Purser: set up your wallet',
    main: html`<section class="sheet">
      <h1>Is it you?</h1>
      <p>
        When Purser opened this page in your browser it let you in, and your desktop showed a code, so that no
        agent makes the wallet in your stead. Type the code, or run
        <code>${command('init')}</code> in a terminal instead.
      </p>
      ${wasWrong ? html`<p class="notice problem" role="alert">That is not the code.</p>` : ''}
      <form method="post" action="/code" autocomplete="off">
        <div class="field">
          <label for="code">The code on your screen</label>
          <input
            type="text"
            name="code"
            id="code"
            class="code"
            required
            autofocus
            autocomplete="off"
            autocapitalize="characters"
            spellcheck="false"
            maxlength="16"
          />
        </div>
        <div class="buttons"><button class="yes">Go on</button></div>
      </form>
    </section>`,
  });
}

/** The form on which a wallet is made. */
export function viewSetUp(parts: SetUpViewParts): Html {
  const { token, fields, problem } = parts;
  return layPage({
    title: 'Purser: set up your wallet',
    main: html`<section class="sheet">
      <h1>Set up the wallet of your agents</h1>
      <p>They buy API calls with it, and never spend more than you say here.</p>
      ${problem === undefined ? '' : html`<p class="notice problem" role="alert">${problem}</p>`}
      <form method="post" action="/" autocomplete="off">
        <input type="hidden" name="token" value="${token}" />
        ${viewChoice('Money', 'money', fields['money'], [
          ['real', 'Real money: USDC on Base and Solana'],
          ['test', 'Test money: Base Sepolia and Solana devnet'],
        ])}
        ${viewKeystores(parts)}
        <h2>What agents may spend without asking you, in dollars</h2>
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
        <p class="soft">Above ten times these amounts the answer is no, whoever agrees.</p>
        ${viewFactor(parts)}
        <div class="buttons"><button class="yes">Make the wallet</button></div>
      </form>
    </section>`,
  });
}

function viewKeystores({ keystores, fields, command }: SetUpViewParts): Html {
  const chosen = keystores.find((kind) => kind === fields['keystore']) ?? keystores[0] ?? 'keychain';
  return html`${viewChoice(
    'Where the keys are kept',
    'keystore',
    chosen,
    keystores.map((kind) => [kind, PLACES[kind]]),
  )}
  ${
    keystores.includes('file')
      ? ''
      : html`<p class="soft">
          On a computer without a keychain, in a terminal:
          <code>${command('install --keystore file')}</code>
        </p>`
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

function viewFactor({ command }: SetUpViewParts): Html {
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
  return html`<h2>Your own passphrase</h2>
    <p>
      With it you say yes to what passes a limit. Keep it in your head or on paper: no agent may have it. At
      least ${PASSPHRASE_CHARS_MIN} characters. Leave it empty to add one, or a passkey, later:
      <code>${command('factor add passkey')}</code>
    </p>
    ${field('passphrase', 'Owner passphrase')} ${field('again', 'The same again')}`;
}

/** The page of a wallet that was just made. */
export function viewMade({ setUp, hasFactor, problem }: MadeWallet, command: (args: string) => string): Html {
  const { config, keystore, places } = setUp;
  return layPage({
    title: 'Purser: the wallet is ready',
    main: html`<section class="sheet">
      <h1>The wallet is ready</h1>
      ${problem === null ? '' : html`<p class="notice problem" role="alert">Not all of it was kept: ${problem}</p>`}
      <dl class="facts">
        <dt>Address</dt>
        ${sayPlaces(places).map((place) => html`<dd><code>${place}</code></dd>`)}
        <dt>Fund it</dt>
        <dd>
          Send ${config.testnet ? 'test USDC' : 'USDC'} to
          ${places.length > 1 ? 'one of these' : 'that address'}; no other coin is needed. Send what you can
          lose.
        </dd>
        <dt>Keys</dt>
        <dd>${keystore === 'file' ? 'an encrypted file' : PLACES.keychain}</dd>
        <dt>Factor</dt>
        <dd>${hasFactor ? 'your owner passphrase' : 'none yet'}</dd>
      </dl>
      <h2>What to do now</h2>
      <p>Write down the recovery phrase; it is shown in a terminal only: <code>${command('backup')}</code></p>
      ${
        hasFactor
          ? ''
          : html`<p>
              Add what proves that you are the owner: <code>${command('factor add passphrase')}</code>
            </p>`
      }
      <p>Then tell your agent to go on. You can close this page; it changes nothing any more.</p>
    </section>`,
  });
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
    factor: passphrase === '' ? null : passphrase,
  };
}
