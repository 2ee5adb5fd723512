import process from 'node:process';

/**
 * What the MCP SDK takes from its platform, in the bundle: the process, and no JSON Schema validator. The SDK's own
 * would be a third of what a server loads before it lists its tools, and this server checks no schemas by it: clients'
 * answers are checked by the wallet, against what it asked.
 */
export class DefaultJsonSchemaValidator {
  /** Throws: an answer that nothing checks must not pass as checked. */
  getValidator(): never {
    throw new Error('No JSON Schema validator is bundled: give McpServer one in jsonSchemaValidator.');
  }
}

export { process };
