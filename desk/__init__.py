"""The municipality's web app, on top of `client`."""
