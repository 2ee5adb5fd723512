/** The part of express that the shop uses; the package ships no types of its own. */
declare module 'express' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface Request extends IncomingMessage {
    originalUrl: string;
  }
  export interface Response extends ServerResponse {
    locals: Record<string, unknown>;
  }
  export type NextFunction = (error?: unknown) => void;
  export type RequestHandler = (request: Request, response: Response, next: NextFunction) => unknown;
  export type ErrorHandler = (
    error: unknown,
    request: Request,
    response: Response,
    next: NextFunction,
  ) => unknown;
  export interface Application {
    (request: IncomingMessage, response: ServerResponse): void;
    use(handler: RequestHandler): Application;
    // Apart, so that a handler's arguments are typed by their count, as express itself tells the two apart.
    // eslint-disable-next-line @typescript-eslint/unified-signatures
    use(handler: ErrorHandler): Application;
    disable(setting: string): Application;
  }
  export default function express(): Application;
}
