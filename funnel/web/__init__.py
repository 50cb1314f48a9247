"""What people see in a browser: the staff's preview on this machine, and the public site."""
