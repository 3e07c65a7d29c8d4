"""The rehearsal: a few labs on machines as users have them, as far as one machine can be made to look like another."""
