import { adminCommands } from './admin/adminCommands.js';
import { agentCommands, agentFundCommands } from './agents/agentCommands.js';
import { allowanceCommands } from './allowance/allowanceCommands.js';
import { approvalCommands } from './approvals/approvalCommands.js';
import { budgetCommands } from './budgets/budgetCommands.js';
import { catalogCommands } from './catalog/catalogCommands.js';
import { configCommands, limitsCommands } from './config/configCommands.js';
import { channelCommands } from './channels/channelCommands.js';
import { commitmentCommands } from './commitments/commitmentCommands.js';
import { entitlementCommands } from './entitlements/entitlementCommands.js';
import { doctorCommands, installCommands, serveCommands } from './install/installCommands.js';
import { ledgerCareCommands, ledgerListCommands } from './ledger/ledgerCommands.js';
import { noticeCommands } from './notices/noticeCommands.js';
import { lightningCommands } from './lightning/lightningCommands.js';
import { ownerCommands } from './owners/ownerCommands.js';
import { phoneCommands } from './phone/phoneCommands.js';
import { payCommands } from './call/callCommands.js';
import { fundCommands, stopCommands } from './money/moneyCommands.js';
import { balanceCommands } from './watch/watchCommands.js';
import { policyCommands } from './policy/policyCommands.js';
import { proxyCommands } from './proxy/proxyCommands.js';
import { setUpCommands } from './setUp/setUpCommands.js';
import type { CommandEntry, CommandRow } from './command.js';

const rows = [
  ...installCommands,
  ...setUpCommands,
  ...fundCommands,
  ...agentFundCommands,
  ...allowanceCommands,
  ...lightningCommands,
  ...configCommands,
  ...policyCommands,
  ...agentCommands,
  ...budgetCommands,
  ...catalogCommands,
  ...serveCommands,
  ...adminCommands,
  ...payCommands,
  ...proxyCommands,
  ...approvalCommands,
  ...ownerCommands,
  ...noticeCommands,
  ...phoneCommands,
  ...balanceCommands,
  ...limitsCommands,
  ...ledgerListCommands,
  ...entitlementCommands,
  ...channelCommands,
  ...commitmentCommands,
  ...stopCommands,
  ...doctorCommands,
  ...ledgerCareCommands,
] as const;

/** A command of the table with its very words, for whoever writes a command line. */
export type CommandSpec = (typeof rows)[number];

/**
 * Every command, in the order help lists them: parsing, help and the README's list are made from this. A new command
 * is a new row in the table of its room and a file that it loads.
 */
export const commands: readonly CommandRow[] = rows.map((row: CommandEntry) => ({
  ...row,
  usage: [row.name, ...(row.args ?? []).map(({ name }) => name)].join(' '),
}));
