import { expect, test } from 'vitest';
import { initialSettings } from '../config/settings.js';
import { startOf } from './programEnv.js';

const PLACE = { url: 'http://127.0.0.1:4403', token: 'pprx_secret' };

function proxyOf(
  upstreams: Readonly<Record<string, 'openai' | 'anthropic' | 'plain'>>,
  defaultUpstream = Object.keys(upstreams)[0] ?? 'none',
) {
  const names = Object.keys(upstreams);
  const upstreamUrls = new Map(names.map((name) => [name, `https://${name}.example`]));
  const upstreamDialects = new Map(Object.entries(upstreams));
  return { proxy: { ...initialSettings(true).proxy, upstreamUrls, upstreamDialects, defaultUpstream } };
}

test('each API is pointed to the default upstream, or to the first that speaks it', () => {
  const one = startOf(
    ['agent', '-p'],
    { PATH: '/bin', NO_PROXY: 'a.example' },
    proxyOf({ gate: 'openai' }),
    PLACE,
  );
  expect(one).toMatchObject({ program: 'agent', args: ['-p'] });
  expect(one.env).toMatchObject({
    PATH: '/bin',
    OPENAI_BASE_URL: `${PLACE.url}/gate/v1`,
    OPENAI_API_KEY: PLACE.token,
    ANTHROPIC_BASE_URL: `${PLACE.url}/gate`,
    ANTHROPIC_API_KEY: PLACE.token,
    NO_PROXY: 'a.example,127.0.0.1,localhost',
  });
  const both = startOf(['agent'], {}, proxyOf({ gate: 'openai', other: 'anthropic' }), PLACE);
  expect(both.env).toMatchObject({
    OPENAI_BASE_URL: `${PLACE.url}/gate/v1`,
    ANTHROPIC_BASE_URL: `${PLACE.url}/other`,
  });
  expect(() => startOf(['agent'], {}, proxyOf({}), PLACE)).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  );
});

test('claude and codex need nothing more, and no argument has the token', () => {
  const proxy = proxyOf({ gate: 'openai' });
  const claude = startOf(['/usr/bin/claude', '-p', 'hi'], { ANTHROPIC_API_KEY: 'sk-own' }, proxy, PLACE);
  expect(claude.args).toEqual(['-p', 'hi']);
  expect(claude.env).toMatchObject({ ANTHROPIC_AUTH_TOKEN: PLACE.token });
  expect(claude.env).not.toHaveProperty('ANTHROPIC_API_KEY');
  const codex = startOf(['codex', 'exec', 'hi'], {}, proxy, PLACE);
  expect(codex.args.slice(-2)).toEqual(['exec', 'hi']);
  expect(codex.args).toContain(`model_providers.purser.base_url="${PLACE.url}/gate/v1"`);
  expect([...claude.args, ...codex.args].join(' ')).not.toContain(PLACE.token);
  expect(codex.env['OPENAI_API_KEY']).toBe(PLACE.token);
});

test('what opens the wallet is not handed on (T42)', () => {
  const { env } = startOf(['agent'], { PURSER_PASSPHRASE_FILE: '/pass' }, proxyOf({ gate: 'openai' }), PLACE);
  expect(env).not.toHaveProperty('PURSER_PASSPHRASE_FILE');
});
