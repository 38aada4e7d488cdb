# pyftpdlib as the benchmark's peer: FOLDER [CERTIFICATE]. Prints its port.
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.servers import FTPServer

folder, certificate = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
if certificate is None:
    from pyftpdlib.handlers import FTPHandler as Handler
else:
    from pyftpdlib.handlers import TLS_FTPHandler as Handler

    Handler.certfile = certificate
Handler.authorizer = DummyAuthorizer()
Handler.authorizer.add_user("ftp", "ftp", folder, perm="elradfmwMT")
server = FTPServer(("127.0.0.1", 0), Handler)
server.max_cons = 2000
print(server.address[1], flush=True)
server.serve_forever()
