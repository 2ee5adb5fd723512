import { parseArgs } from 'node:util';
import { isAddress } from 'viem';
import { startControl } from './control.ts';
import { FAULTS } from './faults.ts';
import { startMppShop, type MppShop } from './mppShop.ts';
import { SOLANA_DEVNET } from './solana/chain.ts';
import { TEMPO_TESTNET } from './tempo/chain.ts';
import { atomicFromUsd } from './usd.ts';
import { startSandbox, type Sandbox, type TempoWorld } from './world.ts';

const USAGE = `Usage: npm run sandbox [-- OPTIONS]

Keeps a local world up: Base Sepolia and Solana devnet with real USDC, Tempo's testnet, an x402 facilitator, a shop of paid
endpoints, and one that sells by MPP.

  --fund ADDRESS   give this address test USDC at the start; may be repeated
  --usd AMOUNT     how much (default 10)
  --help           this text
`;

/** Tempo takes only what ends soon after its newest block, and the local one makes none by itself. */
const TEMPO_BLOCK_MS = 2_000;

function describe(
  { rpcUrl, solanaRpcUrl, shop }: Sandbox,
  { rpc: tempoRpc }: TempoWorld,
  mppShop: MppShop,
  controlUrl: string,
): string {
  return `The sandbox is up. Nothing in it is worth anything; it ends with Ctrl-C.

Make a wallet that uses it (PURSER_HOME names another folder than your own wallet's; F is a file with a passphrase):

  export PURSER_HOME=$(mktemp -d)
  purser init --keystore file --passphrase-file F --yes --testnet
  purser config set networks.eip155:84532.rpc_url ${rpcUrl} --passphrase-file F
  purser config set networks.${SOLANA_DEVNET}.rpc_url ${solanaRpcUrl} --passphrase-file F
  purser config set networks.${TEMPO_TESTNET}.rpc_url ${tempoRpc.url} --passphrase-file F
  purser config set net.allow_private '["${shop.hostPort}","${mppShop.hostPort}"]' --passphrase-file F
  export PURSER_PASSPHRASE_FILE=F

Give it money (the addresses are what \`purser address\` prints; the one of Base is that of Tempo, too):

  curl ${controlUrl}/fund -d '{"address":"0x…","usd":"10"}'

Buy something:

  purser quote ${shop.url}/v2/json
  purser pay ${shop.url}/v2/json --max-usd 0.05
  purser pay ${mppShop.url}/tempo --max-usd 0.05

Shop      ${shop.url}/{v2,v1,free}/{json,text,png,price/0.002,echo,status/404,slow?ms=,large?bytes=,stream?events=}
          ?usd=0.25 sets a price, ?fault=NAME&times=1 makes it fail, ?payment_id=offered|required, ?offers=many
MPP       ${mppShop.url}/{tempo,evm,solana,both,all}?usd=0.25
Faults    ${Object.keys(FAULTS).join(' ')}
Control   ${controlUrl}: POST /fund /balance /fault /rpc /release /mine /time /payments
          curl ${controlUrl}/fault -d '{"path":"/v2/json","fault":"hang_after_settle","times":1}'
`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      fund: { type: 'string', multiple: true, default: [] },
      usd: { type: 'string', default: '10' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const amountAtomic = atomicFromUsd(values.usd);
  const addresses = values.fund.map((address) => {
    if (isAddress(address, { strict: false })) return address;
    throw new RangeError(`--fund takes 0x and 40 hex digits, not ${address}`);
  });

  const sandbox = await startSandbox();
  const tempo = await sandbox.addTempo();
  const mppShop = await startMppShop({ ...sandbox, tempo: tempo.chain });
  const control = await startControl(sandbox, tempo.chain);
  const mining = setInterval(() => void tempo.chain.mine().catch(() => undefined), TEMPO_BLOCK_MS);
  const end = async (): Promise<void> => {
    clearInterval(mining);
    await control.close();
    await mppShop.close();
    await sandbox.stop();
  };
  process.once('SIGINT', () => void end());
  process.once('SIGTERM', () => void end());
  for (const address of addresses) await sandbox.chain.fund(address, amountAtomic);
  process.stdout.write(describe(sandbox, tempo, mppShop, control.url));
  for (const address of addresses) process.stdout.write(`Funded    ${address} with $${values.usd}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
