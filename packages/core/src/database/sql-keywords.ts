/** The keywords that summaries are made by, upper case. */

/** Commands that name no table, or none that says more than the command. */
export const PLAIN: ReadonlySet<string> = new Set(
  (
    'ABORT ANALYZE BEGIN CHECKPOINT CLOSE CLUSTER COMMENT COMMIT DEALLOCATE DISCARD DO END FETCH GRANT IMPORT LISTEN LOAD ' +
    'MOVE NOTIFY REASSIGN REINDEX RELEASE RESET REVOKE ROLLBACK SAVEPOINT SECURITY SET SHOW START UNLISTEN VACUUM'
  ).split(' '),
);
/** Commands in front of another command. */
export const LEADING: ReadonlySet<string> = new Set(['EXPLAIN', 'PREPARE', 'DECLARE']);
/** Commands that say the type of a thing before its name. */
export const DEFINING: ReadonlySet<string> = new Set(['CREATE', 'ALTER', 'DROP']);
/** Commands whose target follows at once. */
export const NAMING: ReadonlySet<string> = new Set([
  'UPDATE',
  'TRUNCATE',
  'COPY',
  'CALL',
  'EXECUTE',
  'TABLE',
  'LOCK',
  'REFRESH',
]);
/** Commands whose target follows behind INTO or FROM. */
export const WRITING: ReadonlySet<string> = new Set(['INSERT', 'DELETE', 'MERGE']);
/** Commands that read further tables after USING. */
export const CHANGING: ReadonlySet<string> = new Set(['DELETE', 'MERGE']);
/** Commands with lists of tables, in which functions can stand too. */
export const READING: ReadonlySet<string> = new Set(['', 'SELECT', 'UPDATE', 'DELETE', 'MERGE']);
/** Between CREATE and the type of what is created. */
export const MODIFIERS: ReadonlySet<string> = new Set(
  'OR REPLACE TEMP TEMPORARY LOCAL GLOBAL UNLOGGED UNIQUE RECURSIVE MATERIALIZED FOREIGN EVENT CONSTRAINT'.split(' '),
);
/** Between a keyword and the name of its table. */
export const FILLERS: ReadonlySet<string> = new Set(
  'ONLY LATERAL IF NOT EXISTS CONCURRENTLY MATERIALIZED VIEW'.split(' '),
);
/** These end a list of tables. */
export const END_OF_TABLES: ReadonlySet<string> = new Set(
  'WHERE GROUP ORDER HAVING LIMIT OFFSET FETCH UNION INTERSECT EXCEPT WINDOW RETURNING FOR SET VALUES DEFAULT'.split(
    ' ',
  ),
);

/** Whether a word can be the first of a command. */
export function isCommand(upper: string): boolean {
  return (
    upper === 'SELECT' ||
    upper === 'VALUES' ||
    NAMING.has(upper) ||
    WRITING.has(upper) ||
    DEFINING.has(upper) ||
    LEADING.has(upper) ||
    PLAIN.has(upper)
  );
}
