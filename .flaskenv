FLASK_APP=app:create
