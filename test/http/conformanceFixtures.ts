import {
  completable,
  ResourceTemplate,
  type CallToolResult,
  type McpServer,
} from '@modelcontextprotocol/server';
import { z } from 'zod';

/** One red pixel, and a moment of silence. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const SILENCE = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

const image = { type: 'image' as const, data: PIXEL, mimeType: 'image/png' };
const embedded = (uri: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType: 'text/plain', text: 'This is an embedded resource content.' },
});
const says = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });

/** The tools, resources and prompts that the conformance suite asks for by name. */
export function addFixtures(server: McpServer): void {
  server.server.registerCapabilities({ logging: {}, resources: { subscribe: true } });
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
  addTools(server);
  addAsking(server);
  addResources(server);
  addPrompts(server);
}

function addTools(server: McpServer): void {
  const results: Record<string, CallToolResult> = {
    test_simple_text: says('This is a simple text response for testing.'),
    test_image_content: { content: [image] },
    test_audio_content: { content: [{ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }] },
    test_embedded_resource: { content: [embedded('test://embedded-resource')] },
    test_multiple_content_types: {
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        image,
        embedded('test://mixed-content-resource'),
      ],
    },
    test_error_handling: { ...says('This tool intentionally returns an error for testing'), isError: true },
  };
  for (const [name, result] of Object.entries(results)) {
    server.registerTool(name, { description: name }, () => result);
  }
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Tells of its progress.' },
    async ({ mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      for (const progress of [0, 50, 100]) {
        if (progressToken !== undefined)
          await mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken, progress, total: 100 },
          });
      }
      return says('done');
    },
  );
  server.registerTool('test_tool_with_logging', { description: 'Writes to the log.' }, async ({ mcpReq }) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed'])
      await mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
    return says('done');
  });
}

function addAsking(server: McpServer): void {
  const ask = (name: string, requestedSchema: object): void => {
    server.registerTool(
      name,
      { description: 'Asks the person.', inputSchema: z.looseObject({}) },
      async (_input, { mcpReq }) => {
        const params = { mode: 'form' as const, message: 'Please answer.', requestedSchema } as never;
        const { action, content } = await mcpReq.send({ method: 'elicitation/create', params });
        return says(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`);
      },
    );
  };
  const text = { type: 'string' };
  ask('test_elicitation', {
    type: 'object',
    properties: { username: text, email: text },
    required: ['username', 'email'],
  });
  ask('test_elicitation_sep1034_defaults', {
    type: 'object',
    properties: {
      name: { ...text, default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { ...text, enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
  });
  const options = ['option1', 'option2', 'option3'];
  const titled = [1, 2, 3].map((i) => ({
    const: `value${i}`,
    title: ['First', 'Second', 'Third'][i - 1] + ' Option',
  }));
  ask('test_elicitation_sep1330_enums', {
    type: 'object',
    properties: {
      untitledSingle: { ...text, enum: options },
      titledSingle: { ...text, oneOf: titled },
      legacyEnum: {
        ...text,
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { ...text, enum: options } },
      titledMulti: { type: 'array', items: { anyOf: titled } },
    },
  });
  server.registerTool(
    'test_sampling',
    { description: 'Has the client’s model say something.', inputSchema: z.looseObject({}) },
    async (input, { mcpReq }) => {
      const prompt = String(input['prompt']);
      const params = {
        messages: [{ role: 'user' as const, content: { type: 'text' as const, text: prompt } }],
        maxTokens: 100,
      };
      const { content } = await mcpReq.send({ method: 'sampling/createMessage', params });
      return says(`LLM response: ${JSON.stringify(content)}`);
    },
  );
}

function addResources(server: McpServer): void {
  server.registerResource('text', 'test://static-text', { mimeType: 'text/plain' }, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }],
  }));
  server.registerResource('binary', 'test://static-binary', { mimeType: 'image/png' }, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'image/png', blob: PIXEL }],
  }));
  server.registerResource(
    'watched',
    'test://watched-resource',
    { mimeType: 'text/plain' },
    ({ href: uri }) => ({
      contents: [{ uri, mimeType: 'text/plain', text: 'Watched.' }],
    }),
  );
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource(
    'template',
    template,
    { mimeType: 'application/json' },
    ({ href: uri }, { id }) => ({
      contents: [
        {
          uri,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
}

function addPrompts(server: McpServer): void {
  const user = (text: string) => ({ role: 'user' as const, content: { type: 'text' as const, text } });
  server.registerPrompt('test_simple_prompt', { description: 'Simple.' }, () => ({
    messages: [user('This is a simple prompt for testing.')],
  }));
  const word = completable(z.string(), (value) =>
    ['paris', 'park', 'party'].filter((one) => one.startsWith(value)),
  );
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'With arguments.', argsSchema: z.object({ arg1: word, arg2: z.string() }) },
    ({ arg1, arg2 }) => ({ messages: [user(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'With a resource.', argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => ({
      messages: [
        { role: 'user', content: embedded(resourceUri) },
        user('Please process the embedded resource above.'),
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'With an image.' }, () => ({
    messages: [{ role: 'user', content: image }, user('Please analyze the image above.')],
  }));
}
