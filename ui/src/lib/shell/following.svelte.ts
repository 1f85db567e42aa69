let asked = $state(false);

export const following = {
  /** Whether the person has a new invitation to follow the clinic with. */
  get asked(): boolean {
    return asked;
  },
};

/** Asks for the new invitation, over whatever screen that was wished from. */
export const askForInvitation = (): void => void (asked = true);

/** The person has come in with it, or leaves it. */
export const dismissInvitation = (): void => void (asked = false);
