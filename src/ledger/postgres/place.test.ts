import { describe, expect, test } from 'vitest';
import { isLoopback, placeName, placeUrl, readPostgresUrl } from './place.js';

describe('the address of a ledger in PostgreSQL', () => {
  test('names user, host, database and schema, and files for what is secret', () => {
    const text = 'postgres://purser@db.example.com:6432/wallets?schema=team_a&sslrootcert=/etc/ca.pem';
    const place = readPostgresUrl(text, '/run/secrets/db');
    expect(place).toEqual({
      ...{ host: 'db.example.com', port: 6432, user: 'purser', database: 'wallets', schema: 'team_a' },
      ...{ passwordFile: '/run/secrets/db', caFile: '/etc/ca.pem' },
    });
    expect(readPostgresUrl(placeUrl(place), '/run/secrets/db')).toEqual(place);
    expect(placeName(place)).toBe('postgres://purser@db.example.com:6432/wallets?schema=team_a');
    expect(readPostgresUrl('postgresql://u@[::1]/d')).toMatchObject({
      host: '::1',
      port: 5432,
      schema: 'purser',
    });
  });

  test.each([
    ['a password in it', 'postgres://u:secret@h/d'],
    ['another protocol', 'mysql://u@h/d'],
    ['no user', 'postgres://h/d'],
    ['no database', 'postgres://u@h'],
    ['TLS that proves nothing', 'postgres://u@h/d?sslmode=require'],
    ['a part that is not known', 'postgres://u@h/d?options=-c%20fsync=off'],
    ['a schema that is no plain name', 'postgres://u@h/d?schema=a"b'],
    ['no address at all', 'h/d'],
  ])('is refused with %s', (_what, text) => {
    expect(() => readPostgresUrl(text)).toThrow(expect.objectContaining({ code: 'bad_input' }));
  });

  test('needs no TLS on this machine alone', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true);
    expect(['127.0.0.1.example.com', '10.0.0.1', 'localhost.example.com', '128.0.0.1'].some(isLoopback)).toBe(
      false,
    );
  });
});
