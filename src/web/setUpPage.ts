import { makeCode } from '../approvals/code.js';
import type { SetUpDesk } from '../owner/setUpDesk.js';
import { addressOf } from './address.js';
import { serveOnMachine } from './machineServer.js';
import { createSetUpApp } from './setUpApp.js';
import { Visits } from './visit.js';

/** A set-up page that listens. */
export interface SetUpPage {
  readonly port: number;
  /** The address that asks for the code: anybody may see it. */
  readonly url: string;
  /** The address that lets in: for the owner's own screen alone, never for a result. */
  readonly ownerUrl: string;
  /** For the owner's own screen alone. */
  readonly code: string;
  close(): Promise<void>;
}

/** Serves the set-up page on this machine. Throws `unreachable` where no port is free. */
export async function startSetUpPage(desk: SetUpDesk, command: (args: string) => string): Promise<SetUpPage> {
  const visits = new Visits();
  const code = makeCode();
  const { port, close } = await serveOnMachine(0, (port) =>
    createSetUpApp({ desk, port, visits, code, command }),
  );
  return {
    port,
    url: `http://localhost:${port}/`,
    ownerUrl: addressOf(port, '/', visits.key),
    code,
    close,
  };
}
