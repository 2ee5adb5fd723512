import { DEFAULT_AGENT } from '../../../money/agent.js';
import type { DeskRoom } from '../room.js';
import { viewFunding } from './fundingPage.js';

/** Adds the page by which money comes, and what of it is tied up. */
export function addFunding({ app, desk, shell }: DeskRoom): void {
  const { fundPlaces, listBought, listCommitments } = desk.parts;
  app.get('/add-money', async (c) => {
    const { funds, arrivals } = desk.funds();
    const [places, bought, commitments, frame] = await Promise.all([
      fundPlaces(),
      listBought(),
      listCommitments(),
      shell(c, 'add-money'),
    ]);
    const agents = [...new Set(places.map(({ agent }) => agent))];
    const agent = agents.find((one) => one === c.req.query('agent')) ?? DEFAULT_AGENT;
    return c.html(viewFunding({ agent, agents, places, funds, arrivals, bought, commitments }, frame));
  });
}
