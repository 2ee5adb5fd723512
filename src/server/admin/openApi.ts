import { z } from 'zod';
import { problem } from './problem.js';
import type { AdminRoute } from './route.js';
import { adminRoutes } from './routes.js';

/** The document of the API as OpenAPI 3.1 has it, made of the schemas that read requests. */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of adminRoutes) (paths[route.path] ??= {})[route.method] = operationOf(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Purser admin API',
      version,
      description:
        'For clients that the owner of a wallet made. A token reads, stops and tightens by its role. What loosens takes the owner’s passkey over what was shown, too: no token is proof of the owner.',
    },
    servers: [{ url: '/admin/v1' }],
    security: [{ client: [] }, { issuer: [] }],
    paths,
    components: {
      securitySchemes: {
        client: { type: 'http', scheme: 'bearer', description: 'A token of a client that the owner made.' },
        issuer: {
          ...{ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          description: 'A token of the issuer that the owner named (admin.oidc.*): a role by its claims.',
        },
      },
      schemas: { Problem: schemaOf(problem, 'output') },
    },
  };
}

function operationOf({ id, summary, role, params, query, body, answer }: AdminRoute): object {
  const parameters = [...parametersIn(params, 'path'), ...parametersIn(query, 'query')];
  const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return {
    operationId: id,
    summary,
    'x-role': role,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        }),
    responses: {
      '200': {
        description: 'Done.',
        content: { 'application/json': { schema: schemaOf(answer, 'output') } },
      },
      default: { description: 'Why not.', content: problemContent },
    },
  };
}

function parametersIn(fields: z.ZodObject, place: 'path' | 'query'): object[] {
  return Object.entries(fields.shape).map(([name, field]) => ({
    ...{ name, in: place, required: place === 'path' },
    schema: schemaOf(field as z.ZodType, 'input'),
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
