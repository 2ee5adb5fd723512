import type { CommandEntry } from '../command.js';
import { FACTOR_FLAG, JSON_FLAG, NEW_PASSPHRASE_FLAG, OWNS, PASSPHRASE_FLAG } from '../terminal/flags.js';

/** Making a wallet and keeping it. */
export const setUpCommands = [
  {
    name: 'init',
    group: 'Set up',
    summary: 'Create a wallet, restore one, or import a key.',
    details:
      'On a terminal it asks for what it needs. Without a terminal, pass flags. If an earlier init was interrupted, this run finishes it. An existing wallet is never replaced. Copies of the wallet folder do not know of each other: each one spends up to the limits by itself, so keep one. With --keystore file, whoever puts back an older copy of the folder has the wallet as it was then, without a factor that was added since; a keychain remembers it elsewhere.',
    flags: [
      {
        flags: '--keystore <where>',
        summary:
          'Where the keys are kept: keychain or file. Default: the keychain; an encrypted file where none answers.',
      },
      {
        flags: '--passphrase-file <file>',
        summary:
          'File with the unlock passphrase of a file keystore. Default: the file that PURSER_PASSPHRASE_FILE names, else you type it, or one is made and kept in the wallet’s folder.',
      },
      {
        flags: '--testnet',
        summary: 'Use test networks only (Base Sepolia, Solana devnet, Tempo testnet), no real money.',
      },
      { flags: '--restore-stdin', summary: 'Read the recovery phrase from standard input.' },
      { flags: '--rpc <network=url...>', summary: 'Your own RPC for a network. Repeatable.' },
      { flags: '--offline', summary: 'Do not look up what a restored phrase holds on chain.' },
      { flags: '--import-key-stdin', summary: 'Read a raw EVM private key from standard input.' },
      { flags: '--yes', summary: 'Ask nothing.' },
      {
        flags: '--factor-file <file>',
        summary:
          'File with the owner passphrase, needed to recreate a lost config.json. Default: you type it.',
      },
      JSON_FLAG,
    ],
    examples: [
      'init',
      'init --yes',
      'init --keystore file --passphrase-file ~/.purser-pass --yes',
      'init --restore-stdin --keystore file --passphrase-file F --yes < phrase.txt',
    ],
    load: () => import('./init.js'),
  },
  {
    name: 'backup',
    group: 'Set up',
    summary: 'Show the recovery phrase, then ask for some of its words. Works only on a terminal.',
    details: 'Clears the screen behind it. Until your copy is proved, doctor reminds you.',
    flags: [FACTOR_FLAG, PASSPHRASE_FLAG],
    examples: ['backup'],
    load: () => import('./backup.js'),
  },
  {
    name: 'passphrase',
    group: 'Set up',
    summary: 'Change the passphrase that unlocks an encrypted keystore. Requires owner authentication.',
    details:
      'The file is written anew, whole or not at all. The passphrase that is kept for clients in the wallet’s folder changes with it; a file of yours that PURSER_PASSPHRASE_FILE names is yours to change. Servers that run stay unlocked. Whoever has a copy of the old file and the old passphrase has the keys still: where they may, make another wallet and withdraw to it.',
    flags: [NEW_PASSPHRASE_FLAG, ...OWNS],
    examples: ['passphrase', 'passphrase --passphrase-file OLD --new-passphrase-file NEW'],
    load: () => import('./changePassphrase.js'),
  },
  {
    name: 'completion',
    group: 'Set up',
    summary: 'Print the script that completes commands and flags in your shell.',
    details:
      'For a purser on your PATH (npm install -g purser-mcp). Your shell reads the script when it starts.',
    args: [{ name: '<shell>', summary: 'bash, zsh or fish.' }],
    examples: [
      'completion bash >> ~/.bashrc',
      'completion zsh >> ~/.zshrc',
      'completion fish > ~/.config/fish/completions/purser.fish',
    ],
    load: () => import('./completion.js'),
  },
] as const satisfies readonly CommandEntry[];
