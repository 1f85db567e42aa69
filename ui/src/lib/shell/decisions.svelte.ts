/** A wish to decide about what was refused; `about` is the row that shows it: a message, a visit, a lead, a person. */
export interface Wish {
  about: string | undefined;
}

let wish = $state.raw<Wish>();

export const decisions = {
  get wish(): Wish | undefined {
    return wish;
  },
};

/** Opens what needs a decision, first what this row shows. */
export const decide = (about?: string): void => void (wish = { about });

/** The wish was fulfilled, or the person turned to something else. */
export const forgetWish = (): void => void (wish = undefined);
