import { STATEMENT_FILES, type StatementFile } from '../../../cli/ledger/statementFile.js';
import { WalletError } from '../../../errors/walletError.js';
import { monthOf, type Statement } from '../../../treasury/statement/readStatement.js';
import { STATEMENT } from '../desk.js';
import type { DeskRoom } from '../room.js';
import { monthIn, sayTime, viewMoney } from './moneyPage.js';

/** Adds the statement of a month, and the files of it. */
export function addStatements({ app, desk, now, shell }: DeskRoom): void {
  const readMonth = (month: string): Promise<Statement> =>
    desk.made(`${STATEMENT}${month}`, () => {
      const period = monthOf(month);
      if (period === null) throw new WalletError('not_found', 'There is no such month.');
      return desk.parts.readStatement(period, sayTime);
    });
  app.get('/money', async (c) => {
    const nowMs = now();
    const month = monthIn(c.req.query('month'), nowMs);
    const notes = desk.look();
    const [statement, frame] = await Promise.all([readMonth(month), shell(c, 'money')]);
    return c.html(viewMoney({ month, statement, nowMs, notes }, frame));
  });
  app.get('/money/:kind', async (c) => {
    const kind = c.req.param('kind');
    if (!Object.hasOwn(STATEMENT_FILES, kind)) throw new WalletError('not_found', 'There is no such export.');
    const { type, end, write } = STATEMENT_FILES[kind as StatementFile];
    const month = monthIn(c.req.query('month'), now());
    c.header('Content-Type', type);
    c.header('Content-Disposition', `attachment; filename="purser-statement-${month}.${end}"`);
    return c.body(write(await readMonth(month)));
  });
}
