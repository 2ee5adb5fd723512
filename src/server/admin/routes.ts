import { agentRoutes } from './agents.js';
import { approvalRoutes } from './approvals.js';
import { bookRoutes } from './books.js';
import { limitRoutes } from './limits.js';
import { ownerRoutes } from './owners.js';
import type { AdminRoute } from './route.js';

/** Every operation of the admin API but for its own document. */
export const adminRoutes: readonly AdminRoute[] = [
  ...bookRoutes,
  ...agentRoutes,
  ...limitRoutes,
  ...approvalRoutes,
  ...ownerRoutes,
];
