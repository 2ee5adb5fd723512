import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import type { Place } from '../mcp/purser.js';
import { connect } from '../http/fixture.js';
import { addAgents, Served } from '../http/served.js';
import { NO_DESKTOP, startDesktop, type Desktop } from '../support/notifications.js';
import { createTestWallet } from '../support/testWallet.js';
import { AskingAgent, choose, type Declared, type Person } from './client.js';
import { addOwner } from './owner.js';
import { askingPlace } from './place.js';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());

const MODE = { pin: '2026-07-28' } as const;
const bodies = ({ shown }: Desktop): string[] => shown.map(({ body }) => body);
const callAt = (id: string) => ({ url: `${sandbox.shop.url}/v2/price/0.05?id=${id}`, max_usd: '0.10' });

// Without the programs of a session bus there is no desktop to notify: see NO_DESKTOP.
describe.skipIf(NO_DESKTOP)('the desktop says once that a question waits', () => {
  async function withAgent(
    place: Place,
    elicitation: Declared | undefined,
    person: Person,
    work: (agent: AskingAgent, desktop: Desktop) => Promise<void>,
  ): Promise<void> {
    await using desktop = await startDesktop();
    const agent = await AskingAgent.connect({ ...place.env, ...desktop.env }, MODE, elicitation, person);
    try {
      await work(agent, desktop);
    } finally {
      await agent.close();
    }
  }

  test('where no factor is there yet, with the way to one, which the agent is not told', async () => {
    const place = await askingPlace(sandbox, false);
    try {
      const nobody: Person = () => ({ action: 'cancel' });
      await withAgent(place, undefined, nobody, async (agent, desktop) => {
        for (let i = 0; i < 2; i += 1) {
          const asked = await agent.call('wallet_pay', callAt('no-factor'));
          expect(asked).toMatchObject({ status: 'approval_required' });
          expect(asked.tell_owner).not.toContain('factor add');
        }
        await expect.poll(() => bodies(desktop)).toHaveLength(1);
        expect(bodies(desktop)[0]).toMatch(
          /^Agent default asks you: pay \$0\.05 to 127\.0\.0\.1\? First add a passphrase of your own: .*factor add passphrase/,
        );
      });
    } finally {
      place.remove();
    }
  });

  test('where the client’s prompt was dismissed, and not over a prompt that is open', async () => {
    const place = await askingPlace(sandbox, true);
    try {
      let whileAsked: string[] | undefined;
      await withAgent(
        place,
        { form: {} },
        (asked) => choose(asked, 'last'),
        async (agent, desktop) => {
          expect(await agent.call('wallet_pay', callAt('answered'))).toMatchObject({ code: 'paid' });
          expect(bodies(desktop)).toEqual([]);
        },
      );
      await withAgent(
        place,
        { form: {} },
        () => ({ action: 'cancel' }),
        async (agent, desktop) => {
          agent.client.setRequestHandler('elicitation/create', () => {
            whileAsked = bodies(desktop);
            return { action: 'cancel' };
          });
          await agent.call('wallet_pay', callAt('dismissed'));
          expect(whileAsked).toEqual([]);
          await expect.poll(() => bodies(desktop)).toHaveLength(1);
          expect(bodies(desktop)[0]).toMatch(/ code \S+$/);
        },
      );
    } finally {
      place.remove();
    }
  });

  test('for an agent that is served, before and after there is a factor', async () => {
    await using desktop = await startDesktop();
    const wallet = await createTestWallet(sandbox, 0n, {
      settings: { 'limits.per_call_usd': '0.02', 'approvals.wait_s': '0' },
    });
    const opened = wallet.open();
    const [ada] = await addAgents(sandbox, opened, ['ada'], 1_000_000n);
    const served = await Served.start(wallet, [], undefined, undefined, desktop.env);
    try {
      const client = await connect(served.url, ada?.token ?? '', MODE);
      const pay = async (id: string): Promise<unknown> =>
        (await client.callTool({ name: 'wallet_pay', arguments: callAt(id) })).structuredContent;
      expect(await pay('served')).toMatchObject({ status: 'approval_required' });
      await expect.poll(() => bodies(desktop)).toHaveLength(1);
      expect(bodies(desktop)[0]).toMatch(/^Agent ada asks you: pay \$0\.05 .*factor add passphrase/);
      const { ledger, keys } = await opened.engine();
      await addOwner({ ledger, keys, now: Date.now });
      const asked = (await pay('served-2')) as { tell_owner: string };
      await expect.poll(() => bodies(desktop)).toHaveLength(2);
      expect(bodies(desktop)[1]).toMatch(/ To answer, run: .* open/);
      expect(asked.tell_owner).toContain('in a terminal of their own');
      await client.close();
    } finally {
      await served.stop();
      served.removeLog();
      await wallet.remove();
    }
  });
});
