/**
 * End this process when the one that started it closes our standard input, which its death does too.
 *
 * Ctrl-C reaches every process at the terminal at once; an engine ignores it, so that its clients can still leave
 * in good order.
 */
export function endWithParent(): void {
  process.on('SIGINT', () => {});
  process.stdin.on('end', () => process.exit()).resume();
}
