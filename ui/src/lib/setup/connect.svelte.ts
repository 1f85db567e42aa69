/** What was typed, kept so that a failed try can be corrected; the password is not. */
export const typed = $state({ address: '' });
