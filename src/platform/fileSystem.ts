import { statfsSync } from 'node:fs';

/** File systems that have no rights of users, or keep them only where they were mounted so, by the kernel's number. */
const WITHOUT_RIGHTS: ReadonlyMap<number, string> = new Map([
  [0x01021997, '9p, as folders of Windows under WSL are'],
  [0x4d44, 'FAT'],
  [0x2011bab0, 'exFAT'],
  [0x5346544e, 'NTFS'],
  [0x7366746e, 'NTFS'],
  [0x65735546, 'FUSE'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB'],
  [0xfe534d42, 'SMB'],
]);

/**
 * What to do where `chmod` changes nothing, as the end of a mend without its full stop: for a path on a file system that may keep no rights of
 * users. Empty for any other, and where it cannot be told. `typeOf` is the kernel's number of a path's file system.
 */
export function rightsHint(path: string, typeOf: (path: string) => number = typeAt): string {
  const name = WITHOUT_RIGHTS.get(typeOf(path) >>> 0);
  if (name === undefined) return '';
  return `. If that changes nothing: its file system (${name}) keeps no rights. Let PURSER_HOME name a folder on a disk of this system, such as ~/.config/purser`;
}

function typeAt(path: string): number {
  try {
    return statfsSync(path).type;
  } catch {
    return 0;
  }
}
