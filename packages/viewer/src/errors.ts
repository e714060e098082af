/** What `startViewer` throws: an Error whose `code` a program can compare. */
export class ViewerError extends Error {
  override readonly name = 'ViewerError';
  /** `CLEW_ERR_OPTION` for a wrong option, else the system's own code, such as `EADDRINUSE`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
