/** The message whose picture is looked at in large. */
class Viewing {
  message = $state<string>();
}

export const viewing = new Viewing();
