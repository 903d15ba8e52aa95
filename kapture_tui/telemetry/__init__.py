"""From many sources to one frozen Snapshot a tick, and on to whoever subscribes."""
