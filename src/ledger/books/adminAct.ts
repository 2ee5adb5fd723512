/** Something that a client of the admin API asked for. */
export interface AdminAct {
  readonly client: string;
  /** The role that it had then. */
  readonly role: string;
  /** What it asked for, by the name of the API's operation. */
  readonly act: string;
  /** What it was about: an agent, an id, a setting with its new value; empty for the whole wallet. */
  readonly subject: string;
}
