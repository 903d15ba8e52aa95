"""A stack as child processes of this machine, owned by a supervisor process of their own."""
