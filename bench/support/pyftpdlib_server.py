# pyftpdlib as the benchmark's peer: FOLDER. Prints its port.
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_user("ftp", "ftp", sys.argv[1], perm="elradfmwMT")
server = FTPServer(("127.0.0.1", 0), FTPHandler)
server.max_cons = 2000
print(server.address[1], flush=True)
server.serve_forever()
