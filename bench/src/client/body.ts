/** What every request is answered with. */
export const BODY: string = JSON.stringify({
  id: 7,
  name: 'Ada Lovelace',
  email: 'ada@example.org',
  roles: ['reader', 'writer'],
});
