import { z } from 'zod';
import { WalletError } from '../../errors/walletError.js';
import { AGENT_NAME } from '../../money/agent.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import { parseHost } from '../host.js';
import { kindOf, type ValueKind } from './kind.js';

function hostsSchema(itemWords: string, accepts: (host: string) => boolean, example: string) {
  const item = z.codec(
    z.string(itemWords).refine((text) => accepts(parseHost(text) ?? ''), itemWords),
    z.string(),
    { decode: (text) => parseHost(text) ?? text, encode: (host) => host },
  );
  const list = z.array(item, `must be a JSON list, such as ["${example}"]`);
  // Order means nothing here, so one set of hosts has one text.
  return z.codec(list, z.array(z.string()).readonly(), {
    decode: (hosts) => [...new Set(hosts)].sort(),
    encode: (hosts) => [...hosts],
  });
}

const HOST_WORDS =
  'must be an exact host or host:port, without scheme, path or wildcard, such as api.example.com';
const HOST_PORT_WORDS = 'must be an exact host:port, such as 127.0.0.1:4021';

/** Hosts as {@link parseHost} writes them, sorted, each once. */
export const hosts: ValueKind<readonly string[]> = kindOf(
  hostsSchema(HOST_WORDS, (host) => host !== '', 'api.example.com'),
  'as JSON',
);
/** Like {@link hosts}, each with its port. */
export const hostPorts: ValueKind<readonly string[]> = kindOf(
  hostsSchema(HOST_PORT_WORDS, (host) => /:\d+$/.test(host), '127.0.0.1:4021'),
  'as JSON',
);

/** Reads the `<host>` of a key; throws `bad_input`. */
export function readHostName(key: string, name: string): string {
  const host = parseHost(name);
  if (host === undefined) throw new WalletError('bad_input', `The host in ${key} ${HOST_WORDS}.`);
  return host;
}

const networkName = z.custom<Caip2>(
  (name) => typeof name === 'string' && findNetwork(name) !== undefined,
  'must be a network this wallet knows, by its CAIP-2 name, such as eip155:8453',
);
const networksSchema = z.codec(
  z.array(networkName, 'must be a JSON list, such as ["eip155:8453"]'),
  z.array(networkName).readonly(),
  { decode: (names) => [...new Set(names)], encode: (names) => [...names] },
);

/** Known networks in order of preference, each once. */
export const networks: ValueKind<readonly Caip2[]> = kindOf(networksSchema, 'as JSON');

/** Reads the `<caip2>` of a key; throws `bad_input`. */
export function readNetworkName(key: string, name: string): Caip2 {
  const network = findNetwork(name);
  if (network === undefined) {
    throw new WalletError(
      'bad_input',
      `The network in ${key} is not one this wallet knows, such as eip155:8453.`,
    );
  }
  return network.caip2;
}

/** Reads the `<agent>` of a key; throws `bad_input`. */
export function readAgentName(key: string, name: string): string {
  if (AGENT_NAME.test(name)) return name;
  throw new WalletError(
    'bad_input',
    `The agent in ${key} must be 1 to 32 small letters, digits and hyphens, a letter first.`,
  );
}

/** Reads the `<client>` of a key; throws `bad_input`. */
export function readClientName(key: string, name: string): string {
  if (AGENT_NAME.test(name)) return name;
  throw new WalletError(
    'bad_input',
    `The client in ${key} must be 1 to 32 small letters, digits and hyphens, a letter first.`,
  );
}

const AGENT_WORDS = 'must be none or the name of an agent, such as treasury';

/** The name of an agent. */
export const agentName: ValueKind<string> = kindOf(
  z.string(AGENT_WORDS).regex(AGENT_NAME, AGENT_WORDS),
  'as text',
);

/** A category is a word of the owner's, such as one that catalogues use. */
const CATEGORY_NAME = /^[a-z][a-z0-9_-]{0,31}$/;

/** Reads the `<category>` of a key; throws `bad_input`. */
export function readCategoryName(key: string, name: string): string {
  if (CATEGORY_NAME.test(name)) return name;
  throw new WalletError(
    'bad_input',
    `The category in ${key} must be 1 to 32 small letters, digits, hyphens and underscores, a letter first.`,
  );
}

/** How a budget of the owner's may be called: no underscore, which the id of a run has. */
const BUDGET_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const BUDGET_WORDS = 'must be none or the name of a budget, such as research';

/** Reads the `<budget>` of a key; throws `bad_input`. */
export function readBudgetName(key: string, name: string): string {
  if (BUDGET_NAME.test(name) && name !== 'none') return name;
  throw new WalletError(
    'bad_input',
    `The budget in ${key} must be 1 to 32 small letters, digits and hyphens, a letter first.`,
  );
}

/** The name of a budget. */
export const budgetName: ValueKind<string> = kindOf(
  z.string(BUDGET_WORDS).regex(BUDGET_NAME, BUDGET_WORDS),
  'as text',
);

/** Reads the `<template>` of a key; throws `bad_input`. */
export function readTemplateName(key: string, name: string): string {
  if (BUDGET_NAME.test(name) && name !== 'none') return name;
  throw new WalletError(
    'bad_input',
    `The template in ${key} must be 1 to 32 small letters, digits and hyphens, a letter first.`,
  );
}

/** Reads the `<channel>` of a key; throws `bad_input`. */
export function readChannelName(key: string, name: string): string {
  if (BUDGET_NAME.test(name) && name !== 'none') return name;
  throw new WalletError(
    'bad_input',
    `The channel in ${key} must be 1 to 32 small letters, digits and hyphens, a letter first.`,
  );
}

/** One word that another program takes: an address of mail, the number of a chat, a user's name. */
const CHANNEL_WORD = /^[A-Za-z0-9@#._+:=-]{1,200}$/;
const CHANNEL_WORD_WORDS = 'must be none or one word, such as me@example.com or 123456789';
/** Whom a channel's messages are for, or from whom they are. */
export const channelWord: ValueKind<string> = kindOf(
  z.string(CHANNEL_WORD_WORDS).regex(CHANNEL_WORD, CHANNEL_WORD_WORDS),
  'as text',
);

/** A name stands in a path, before what is asked of the upstream. */
const UPSTREAM_NAME = /^[a-z][a-z0-9_-]{0,31}$/;
const UPSTREAM_NAME_WORDS = 'must be none or the name of an upstream, such as openai';
const upstreamNameSchema = z.string(UPSTREAM_NAME_WORDS).regex(UPSTREAM_NAME, UPSTREAM_NAME_WORDS);

/** The name of an upstream, or none. */
export const upstreamName: ValueKind<string> = kindOf(upstreamNameSchema, 'as text');

/** Reads the `<name>` of an upstream in a key; throws `bad_input`. */
export function readUpstreamName(key: string, name: string): string {
  // `none` says that there is no default; a scheme would be taken for the URL itself.
  if (UPSTREAM_NAME.test(name) && !['none', 'http', 'https'].includes(name)) return name;
  throw new WalletError(
    'bad_input',
    `The upstream in ${key} must be 1 to 32 small letters, digits, hyphens and underscores, a letter first.`,
  );
}

/** Models are called by their makers in letters, digits and a few signs; `*` stands for any part. */
const MODEL_PATTERN = /^[a-z0-9*@][a-z0-9*@._:/+-]{0,99}$/;

/** Reads the `<pattern>` of a key; throws `bad_input`. */
export function readModelPattern(key: string, name: string): string {
  const pattern = name.toLowerCase();
  if (MODEL_PATTERN.test(pattern)) return pattern;
  throw new WalletError('bad_input', `The pattern in ${key} must be the name of a model, such as gpt-*.`);
}

/** Folders by what they are to whoever starts the wallet. */
export const FOLDER_WORDS = ['home', 'working', 'temp'] as const;
const FOLDER_TEXT = 'must be home, working, temp or the absolute path of a folder';
const FOLDER_LENGTH_MAX = 4096;
/** More folders than this are a mistake: one may stand above many. */
const FOLDERS_MAX = 64;
const foldersSchema = z.codec(
  z
    .array(z.string(FOLDER_TEXT).refine(isFolder, FOLDER_TEXT), 'must be a JSON list, such as ["working"]')
    .max(FOLDERS_MAX, `must have at most ${FOLDERS_MAX} entries`),
  z.array(z.string()).readonly(),
  { decode: (folders) => [...new Set(folders)].sort(), encode: (folders) => [...folders] },
);

function isFolder(text: string): boolean {
  if (FOLDER_WORDS.some((word) => word === text)) return true;
  return /^(\/|[A-Za-z]:[\\/])[^\u0000-\u001f]*$/.test(text) && text.length <= FOLDER_LENGTH_MAX;
}

/** Folders: {@link FOLDER_WORDS} or absolute paths, sorted, each once. */
export const folders: ValueKind<readonly string[]> = kindOf(foldersSchema, 'as JSON');
